import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  canFetchPackages,
  environmentOf,
  fetchPackages,
  programFolders,
} from '../../tools/debian-packages.ts';
import { findProgram } from '../../tools/local-cloud/programs.ts';

// With a stub of apt-get that brings a package made here.

const LONG_AGO = new Date(Date.now() - 31 * 24 * 3600 * 1000);

let folder: string;
let lines: string[];

beforeEach((test) => {
  test.skip(!canFetchPackages(), 'not Debian or Ubuntu');
  folder = mkdtempSync(join(tmpdir(), 'packages-'));
  lines = [];
  mkdirSync(join(folder, 'bin'));
  // `-o Dir::Cache=…` says where the archives are to be.
  writeFileSync(
    join(folder, 'bin/apt-get'),
    `#!/bin/sh
echo "$*" >>'${folder}/calls'
if [ -e '${folder}/offline' ]; then echo 'E: no network' >&2; exit 100; fi
if [ -e '${folder}/unknown' ]; then
  case "$*" in *' install '*) echo 'E: unable to locate package' >&2 ;; *) echo 'E: a source is out' >&2 ;; esac
  exit 100
fi
case "$*" in
*' install '*)
  for each; do case "$each" in Dir::Cache=*) cache="\${each#*=}" ;; esac; done
  cp '${folder}/greeter.deb' "$cache/archives/" ;;
esac
`,
    { mode: 0o755 },
  );
  vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env['PATH']}`);
  makePackage('first');
});
afterEach(() => {
  vi.unstubAllEnvs();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Has one program, which prints the words. */
function makePackage(words: string): void {
  const root = join(folder, 'package');
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  const control =
    'Package: greeter\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: greets\n';
  writeFileSync(join(root, 'DEBIAN/control'), control);
  writeFileSync(join(root, 'usr/bin/greeter'), `#!/bin/sh\necho ${words}\n`, { mode: 0o755 });
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', root, join(folder, 'greeter.deb')]);
}

const fetchGreeter = (): Promise<string> =>
  fetchPackages(['greeter'], { directory: join(folder, 'fetched'), log: (line) => lines.push(line) });

/** What the fetched program prints. */
function greet(fetched: string): string {
  const program = findProgram(['greeter'], programFolders(fetched));
  return program === null ? '' : execFileSync(program, { encoding: 'utf8' }).trim();
}

const installs = (): string[] =>
  readFileSync(join(folder, 'calls'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(' install '));

test('is fetched once, without a system folder, and runs from its own', async () => {
  expect(greet(await fetchGreeter())).toBe('first');
  expect(greet(await fetchGreeter())).toBe('first');
  expect(installs()).toHaveLength(1);
  expect(installs()[0]).toContain(' --download-only ');
  // Else apt leaves out those that are installed.
  expect(installs()[0]).toContain(' --reinstall ');
  for (const name of ['Dir::State', 'Dir::Cache', 'Dir::Log'])
    expect(installs()[0]).toContain(`-o ${name}=${join(folder, 'fetched')}/`);
  expect(lines).toHaveLength(1);
  const [base = ''] = readdirSync(join(folder, 'fetched'));
  expect(readdirSync(join(folder, 'fetched', base, 'apt'))).not.toContain('archives');
});

test('is fetched once by two that need it at the same time', async () => {
  const [one, other] = await Promise.all([fetchGreeter(), fetchGreeter()]);
  expect([greet(one), other]).toEqual(['first', one]);
  expect(installs()).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith('Waiting for another process'))).toHaveLength(1);
});

test('is fetched again after a month', async () => {
  utimesSync(join(await fetchGreeter(), 'fetched-at'), LONG_AGO, LONG_AGO);
  makePackage('second');
  expect(greet(await fetchGreeter())).toBe('second');
  expect(greet(await fetchGreeter())).toBe('second');
  expect(installs()).toHaveLength(2);
});

test('is used for longer if it cannot be fetched again', async () => {
  utimesSync(join(await fetchGreeter(), 'fetched-at'), LONG_AGO, LONG_AGO);
  writeFileSync(join(folder, 'offline'), '');
  expect(greet(await fetchGreeter())).toBe('first');
  expect(lines.at(-1)).toContain('E: no network');
});

test('is fetched again if its folder is incomplete', async () => {
  const fetched = await fetchGreeter();
  for (const name of ['fetched-at', 'usr/bin/greeter']) rmSync(join(fetched, name));
  expect(greet(await fetchGreeter())).toBe('first');
});

test('is fetched again if its folder lacks what is needed', async () => {
  const options = {
    directory: join(folder, 'fetched'),
    isComplete: (fetched: string) => greet(fetched) !== '',
    log: () => undefined,
  };
  rmSync(join(await fetchPackages(['greeter'], options), 'usr/bin/greeter'));
  expect(greet(await fetchPackages(['greeter'], options))).toBe('first');
  await fetchPackages(['greeter'], options);
  expect(installs()).toHaveLength(2);
});

test('throws if what was fetched lacks what is needed, and leaves no folder', async () => {
  const options = { directory: join(folder, 'fetched'), isComplete: () => false, log: () => undefined };
  await expect(fetchPackages(['greeter'], options)).rejects.toThrow(/fetched\/.*\/greeter.partial lacks/);
  const [base = ''] = readdirSync(join(folder, 'fetched'));
  expect(existsSync(join(folder, 'fetched', base, 'greeter'))).toBe(false);
});

test('says what apt said if it cannot be fetched, and leaves no folder', async () => {
  writeFileSync(join(folder, 'offline'), '');
  await expect(fetchGreeter()).rejects.toThrow('E: no network');
  const [base = ''] = readdirSync(join(folder, 'fetched'));
  expect(existsSync(join(folder, 'fetched', base, 'greeter'))).toBe(false);
  rmSync(join(folder, 'offline'));
  expect(greet(await fetchGreeter())).toBe('first');
});

test('says why it cannot be fetched, not which source is out', async () => {
  writeFileSync(join(folder, 'unknown'), '');
  const error = (await fetchGreeter().catch((reason: unknown) => reason)) as Error;
  expect(error.message).toContain('E: unable to locate package');
  expect((error.cause as Error).message).toContain('E: a source is out');
});

test('finds its libraries, modules, fonts and time zones before those of the environment', () => {
  const root = join(folder, 'root');
  for (const path of [
    'usr/lib/x86_64-linux-gnu',
    'lib/x86_64-linux-gnu',
    'usr/lib/python3',
    'usr/share/fonts',
    'usr/share/zoneinfo',
  ])
    mkdirSync(join(root, path), { recursive: true });
  const { PATH, LD_LIBRARY_PATH, ...others } = environmentOf(root, { PATH: '/own', PYTHONPATH: '/modules' });
  expect(PATH?.split(':').at(0)).toBe(join(root, 'usr/bin'));
  expect(PATH?.split(':').at(-1)).toBe('/own');
  expect(LD_LIBRARY_PATH?.split(':')).toContain(join(root, 'lib/x86_64-linux-gnu'));
  expect(LD_LIBRARY_PATH).not.toContain('python3');
  expect(others).toEqual({
    PYTHONPATH: `${join(root, 'usr/lib/python3/dist-packages')}:/modules`,
    XDG_DATA_HOME: join(root, 'usr/share'),
    PYTHONTZPATH: join(root, 'usr/share/zoneinfo'),
  });
});
