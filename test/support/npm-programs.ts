import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const DIRECTORY = join(import.meta.dirname, '../../.local');

interface NpmProgram {
  readonly name: string;
  /** Its package, with the version. */
  readonly install: string;
  /** Inside `node_modules`. */
  readonly installed: string;
  /** What `--version` prints. */
  readonly version: RegExp;
}

/** Node 20.19 or later, the oldest that the client supports, while `node_modules/` has the newest. */
const NODE_20: NpmProgram = {
  name: 'node',
  install: 'node@20',
  installed: 'node/bin/node',
  version: /^v20\.(?:19|[2-9]\d)\./,
};
const DENO: NpmProgram = {
  name: 'deno',
  install: 'deno@2',
  installed: '@deno/linux-x64-glibc/deno',
  version: /^deno 2\./,
};

export const findNode20 = (): string => find(NODE_20);
export const findDeno = (): string => find(DENO);

/** From `PATH`, else from npm. Throws if it can't be had. */
function find(program: NpmProgram): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program.name));
  const directory = join(DIRECTORY, program.install);
  const installed = join(directory, 'node_modules', program.installed);
  const isIt = (path: string): boolean =>
    existsSync(path) &&
    program.version.test(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '');
  const found = [...onPath, installed].find(isIt);
  if (found !== undefined) return found;
  console.log(`Installing ${program.install} from npm, because it is missing ...`);
  mkdirSync(directory, { recursive: true });
  const allowed = { private: true, allowScripts: { [program.name]: true } };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(allowed));
  const args = ['install', '--no-audit', '--no-fund', program.install];
  execFileSync('npm', args, { cwd: directory, stdio: 'pipe' });
  if (!isIt(installed)) throw new Error(`${program.install} from npm doesn't run here`);
  return installed;
}
