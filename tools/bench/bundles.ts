import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

export const ROOT = join(import.meta.dirname, '../..');
/** Whatever the benchmark makes; git ignores it. */
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
  const directory = join(OUTPUT, minify ? 'bundles/service' : 'bundles/service-readable');
  wrangler(['--env=', '--outdir', directory, ...(minify ? [] : ['--minify=false'])]);
  return readBundle('service', directory, []);
}

/** Another Worker, minified like the service and for the same compatibility date. */
export function bundleWorker(
  name: string,
  entry: string,
  compatibilityFlags: readonly string[] = [],
): Bundle {
  const directory = join(OUTPUT, 'bundles', name);
  const config = join(OUTPUT, 'bundles', `${name}.toml`);
  mkdirSync(dirname(config), { recursive: true });
  const lines = [
    `name = ${JSON.stringify(name)}`,
    `main = ${JSON.stringify(entry)}`,
    `compatibility_date = "${readCompatibilityDate()}"`,
    `compatibility_flags = ${JSON.stringify(compatibilityFlags)}`,
    'minify = true',
    'keep_names = false',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  wrangler(['--config', config, '--outdir', directory]);
  return readBundle(name, directory, compatibilityFlags);
}

/** better-auth, its packages installed from its own lock file where they are not yet. */
export function bundleBetterAuth(): Bundle {
  const source = join(import.meta.dirname, 'better-auth');
  // Outside the source tree: what is installed there is neither checked, linted nor formatted.
  const directory = join(OUTPUT, 'better-auth');
  mkdirSync(directory, { recursive: true });
  const isInstalled =
    existsSync(join(directory, 'node_modules')) &&
    existsSync(join(directory, 'package-lock.json')) &&
    readFileSync(join(directory, 'package-lock.json'), 'utf8') ===
      readFileSync(join(source, 'package-lock.json'), 'utf8');
  for (const file of ['package.json', 'package-lock.json', 'worker.js'])
    copyFileSync(join(source, file), join(directory, file));
  if (!isInstalled) {
    console.log('Installing better-auth ...');
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: directory,
      stdio: 'pipe',
    });
  }
  return bundleWorker('better-auth', join(directory, 'worker.js'), ['nodejs_als']);
}

function wrangler(args: readonly string[]): void {
  const outdir = args[args.indexOf('--outdir') + 1];
  if (outdir !== undefined) rmSync(outdir, { recursive: true, force: true });
  execFileSync(
    process.execPath,
    [join(ROOT, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run', ...args],
    { cwd: ROOT, stdio: 'pipe', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  );
}

/** Sizes as wrangler counts them: the modules without source maps, compressed with gzip's default level. */
function readBundle(name: string, directory: string, compatibilityFlags: readonly string[]): Bundle {
  const isEntry = (file: string): boolean =>
    file === 'index.js' || file === 'worker.js' || file === `${name}.js`;
  const modules = readdirSync(directory).filter((file) => !file.endsWith('.map') && file !== 'README.md');
  modules.sort((a, b) => Number(isEntry(b)) - Number(isEntry(a)));
  const contents = Buffer.concat(modules.map((file) => readFileSync(join(directory, file))));
  return {
    name,
    directory,
    modules,
    compatibilityFlags,
    bytes: contents.length,
    gzipBytes: gzipSync(contents).length,
  };
}
