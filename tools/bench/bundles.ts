import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export const ROOT = join(import.meta.dirname, '../..');
/** Everything that the benchmark writes; git ignores it. */
export const OUTPUT = join(ROOT, '.local/bench');

/** A Worker as wrangler would upload it. */
export interface Bundle {
  name: string;
  directory: string;
  /** File names of its modules, the entry first. */
  modules: string[];
  compatibilityFlags: readonly string[];
  bytes: number;
  gzipBytes: number;
}

export function readCompatibilityDate(): string {
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const date = /^compatibility_date = "([\d-]+)"$/m.exec(toml)?.[1];
  if (date === undefined) throw new Error('wrangler.toml has no compatibility_date');
  return date;
}

/** The service itself, by its own wrangler.toml. */
export function bundleService({ minify = true } = {}): Bundle {
  const name = minify ? 'service' : 'service-readable';
  return bundle(name, ['--env=', ...(minify ? [] : ['--minify=false'])], []);
}

/** Another Worker, minified like the service and with the same compatibility date. */
export function bundleWorker(name: string, main: string, compatibilityFlags: readonly string[] = []): Bundle {
  const config = join(OUTPUT, `bundles/${name}.json`);
  const compatibility = {
    compatibility_date: readCompatibilityDate(),
    compatibility_flags: compatibilityFlags,
  };
  mkdirSync(join(OUTPUT, 'bundles'), { recursive: true });
  writeFileSync(config, JSON.stringify({ name, main, ...compatibility, minify: true, keep_names: false }));
  return bundle(name, ['--config', config], compatibilityFlags);
}

function bundle(name: string, args: readonly string[], compatibilityFlags: readonly string[]): Bundle {
  const directory = join(OUTPUT, 'bundles', name);
  rmSync(directory, { recursive: true, force: true });
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
  execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', ...args, '--outdir', directory], {
    cwd: ROOT,
    stdio: 'pipe',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  });
  const modules = readdirSync(directory).filter((file) => !file.endsWith('.map') && file !== 'README.md');
  const isEntry = (file: string): boolean => ['index.js', 'worker.js', `${name}.js`].includes(file);
  modules.sort((a, b) => Number(isEntry(b)) - Number(isEntry(a)));
  // Sizes as wrangler reports them: without source maps, by gzip's default level.
  const contents = Buffer.concat(modules.map((file) => readFileSync(join(directory, file))));
  const sizes = { bytes: contents.length, gzipBytes: gzipSync(contents).length };
  return { name, directory, modules, compatibilityFlags, ...sizes };
}
