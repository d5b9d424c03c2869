import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  debianProgram,
  havePackages,
  PACKAGES_SETUP_TIMEOUT_MS,
  PYTHON_PACKAGES,
} from '../support/debian.ts';

const SUITE_TIMEOUT_MS = 120_000;

let available = false;
let directory: string;

beforeAll(async () => {
  available = await havePackages(PYTHON_PACKAGES);
}, PACKAGES_SETUP_TIMEOUT_MS);

// A copy, as pip and Python write beside what they read.
beforeEach((test) => {
  test.skip(!available, 'Debian packages are missing');
  directory = mkdtempSync(join(tmpdir(), 'django-package-'));
  cpSync(join(import.meta.dirname, '../../packages/django'), join(directory, 'package'), { recursive: true });
});
afterEach(() => {
  if (available) rmSync(directory, { recursive: true, force: true });
});

/** Returns what it prints; throws with it if it fails. */
async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: join(directory, 'package') });
  return stdout + stderr;
}

test('its own tests pass', { timeout: SUITE_TIMEOUT_MS }, async () => {
  const output = await run(
    debianProgram('python3'),
    '-m',
    'django',
    'test',
    'tests',
    '--settings',
    'tests.site.settings',
  );
  expect(output).toMatch(/^Ran \d{2,} tests in .*\n\nOK$/m);
});

test('its migrations are those of its models', async () => {
  const args = ['makemigrations', '--check', '--dry-run', '--settings', 'tests.site.settings'];
  expect(await run(debianProgram('python3'), '-m', 'django', ...args)).toContain('No changes detected');
});

test(
  'it installs into a fresh virtual environment, with all that it needs',
  { timeout: SUITE_TIMEOUT_MS },
  async () => {
    const environment = join(directory, 'venv');
    const python = join(environment, 'bin/python3');
    // Its pip is Debian's: ensurepip would need a further package, installed.
    await run(debianProgram('python3'), '-m', 'venv', '--without-pip', '--system-site-packages', environment);
    await run(python, '-m', 'pip', 'install', '--no-index', '--no-build-isolation', '.');
    rmSync(join(directory, 'package/cloud_hoskie'), { recursive: true });
    const files = await run(python, '-m', 'pip', 'show', '--files', 'django-cloud-hoskie');
    expect(files).toContain('License: MIT');
    for (const file of [
      'py.typed',
      'templates/cloud_hoskie/problem.html',
      'migrations/0001_initial.py',
      'management/commands/hoskie_link.py',
    ])
      expect(files).toContain(`cloud_hoskie/${file}`);
    expect(files).not.toContain('tests/');
    expect(await run(python, '-m', 'django', 'check', '--settings', 'tests.site.settings')).toContain(
      'no issues',
    );
  },
);
