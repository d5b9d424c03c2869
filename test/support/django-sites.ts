import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startProgram } from '../apps/proxies/proxy.ts';
import { debianProgram } from './debian.ts';

const PACKAGE = join(import.meta.dirname, '../../packages/django');
const SETTINGS = 'tests.site.settings';

export interface Sites {
  /** Closes them. */
  readonly stack: AsyncDisposableStack;
  /** The service's origin. */
  readonly login: string;
  /** Fields of Django's users, without characters that Python's strings escape. */
  readonly accounts: readonly Record<string, unknown>[];
  /** By mode, of localhost. */
  readonly ports: Record<'ask' | 'header', number>;
}

/** Starts the test site of packages/django in gunicorn once in each mode; both have one database. */
export async function openSites({ stack, login, accounts, ports }: Sites): Promise<void> {
  const python = debianProgram('python3');
  const directory = mkdtempSync(join(tmpdir(), 'django-gunicorn-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const database = { DATABASE: join(directory, 'site.sqlite3'), PYTHONDONTWRITEBYTECODE: '1' };
  const django = (...args: string[]) =>
    promisify(execFile)(python, ['-m', 'django', ...args, '--settings', SETTINGS], {
      cwd: PACKAGE,
      env: { ...process.env, ...database },
    });
  await django('migrate');
  const created = accounts.map((fields) => `User.objects.create(**json.loads('${JSON.stringify(fields)}'))`);
  const imports = ['import json', 'from django.contrib.auth.models import User'];
  await django('shell', '-c', [...imports, ...created].join('\n'));
  for (const [mode, port] of Object.entries(ports)) {
    const env = {
      ...database,
      HOSKIE_URL: login,
      HOSKIE_SITE_URL: `http://localhost:${port}`,
      HOSKIE_MODE: mode,
    };
    const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const options = ['--bind', `127.0.0.1:${port}`, '--threads', '4', '--chdir', PACKAGE, ...variables];
    const args = () => ['-m', 'gunicorn', ...options, 'tests.site.wsgi'];
    stack.defer(await startProgram({ command: python, port, args }));
  }
}
