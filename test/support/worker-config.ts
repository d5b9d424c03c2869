import { readCompatibilityDate } from './bundle.ts';

/** What miniflare runs, with the compatibility date of wrangler.toml. */
export function workerConfig<Env>(name: string, script: string, env: Env) {
  return {
    name,
    compatibilityDate: readCompatibilityDate(),
    manifest: {
      mainModule: 'index.js',
      modulesRoot: '/',
      modules: { 'index.js': { type: 'esm' as const, contents: script } },
    },
    env,
  };
}

/** Variables and secrets; undefined leaves one out. */
export function textBindings(values: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, { type: 'text' as const, value }]],
    ),
  );
}
