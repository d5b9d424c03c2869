import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const BUNDLE = join(ROOT, 'dist/index.js');

/** What the bundle is made of. */
const SOURCES = [
  'src/**/*.{ts,tsx}',
  'tools/{generate,openapi-document,openapi/*}.ts',
  'wrangler.toml',
  'package-lock.json',
];

/** The Worker as it is uploaded; built first where `dist/` is older than what it is made from. */
export function buildBundle(): string {
  if (isStale()) {
    execFileSync(
      process.execPath,
      [
        join(ROOT, 'node_modules/wrangler/bin/wrangler.js'),
        'deploy',
        '--dry-run',
        '--env=',
        '--outdir',
        'dist',
      ],
      { cwd: ROOT, stdio: 'pipe', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
    );
  }
  return readFileSync(BUNDLE, 'utf8');
}

/** The date that wrangler.toml gives, so that the tests run what is deployed. */
export function readCompatibilityDate(): string {
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const date = /^compatibility_date = "([\d-]+)"$/m.exec(toml)?.[1];
  if (date === undefined) throw new Error('wrangler.toml has no compatibility_date');
  return date;
}

function isStale(): boolean {
  const built = statSync(BUNDLE, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return globSync(SOURCES, { cwd: ROOT }).some((path) => statSync(join(ROOT, path)).mtimeMs > built);
}
