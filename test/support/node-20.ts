import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const DIRECTORY = join(import.meta.dirname, '../../.local/node-20');
const INSTALLED = join(DIRECTORY, 'node_modules/node/bin/node');

/** Node 20.19 or later, the oldest that the client supports: from `PATH`, else from npm, as `node_modules/` has the newest one. */
export function findNode20(): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  return [...onPath, INSTALLED].find(isNode20) ?? installNode20();
}

const isNode20 = (path: string): boolean =>
  existsSync(path) &&
  /^v20\.(?:19|[2-9]\d)\./.test(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout);

function installNode20(): string {
  console.log('Installing Node 20 from npm, because it is missing ...');
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(join(DIRECTORY, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', 'node@20'], { cwd: DIRECTORY, stdio: 'pipe' });
  return INSTALLED;
}
