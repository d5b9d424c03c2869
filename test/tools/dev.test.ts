import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { removeVolumes } from '../../tools/local-cloud/docker.ts';
import { findFreePort } from '../../tools/local-cloud/free-port.ts';

// `npm run dev` in a copy of this checkout, whose files may be edited.

const ROOT = join(import.meta.dirname, '../..');
const COPIED = [
  'src',
  'tools',
  'package.json',
  'wrangler.toml',
  'tsconfig.json',
  'tsconfig.base.json',
  'tsconfig.node.json',
  'schema.sql',
  'schema-views.sql',
];
const START_DEADLINE_MS = 120_000;
/** Two seconds on a machine that does nothing else. */
const RELOAD_DEADLINE_MS = 20_000;

const directory = mkdtempSync(join(tmpdir(), 'dev-'));
let dev: ChildProcess;
let origin: string;
let output = '';

beforeAll(async () => {
  for (const each of COPIED) cpSync(join(ROOT, each), join(directory, each), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const port = await findFreePort();
  origin = `http://localhost:${port}`;
  // With servers of its own, as a newcomer has them.
  dev = spawn(process.execPath, ['tools/dev.ts'], {
    cwd: directory,
    env: { ...process.env, PORT: String(port), REDIS_URL: '', MYSQL_URL: '' },
  });
  for (const stream of [dev.stdout, dev.stderr]) stream?.on('data', (text) => (output += String(text)));
  await vi.waitFor(() => expect(output).toContain('sign in as'), {
    timeout: START_DEADLINE_MS,
    interval: 200,
  });
}, START_DEADLINE_MS);
afterAll(async () => {
  const ended = new Promise((resolve) => dev.once('exit', resolve));
  dev.kill('SIGTERM');
  await ended;
  await removeVolumes(join(directory, '.local/dev'));
  rmSync(directory, { recursive: true, force: true });
});

const heading = async (): Promise<string> => {
  const page = await fetch(`${origin}/sign-in/`).catch(() => null);
  return /<h1>(.*?)<\/h1>/.exec((await page?.text()) ?? '')?.[1] ?? '';
};

test('shows what was edited in any folder of the source', { timeout: 3 * RELOAD_DEADLINE_MS }, async () => {
  expect(await heading()).toBe('Sign in');
  const page = join(directory, 'src/pages/sign-in.tsx');
  writeFileSync(page, readFileSync(page, 'utf8').replace('<h1>{texts.signIn}</h1>', '<h1>Enter</h1>'));
  await expect.poll(heading, { timeout: RELOAD_DEADLINE_MS }).toBe('Enter');

  const library = join(directory, 'src/lib/text.ts');
  writeFileSync(library, `${readFileSync(library, 'utf8')}\nexport const heading = 'Come in';\n`);
  const edited = readFileSync(page, 'utf8').replace('<h1>Enter</h1>', '<h1>{heading}</h1>');
  writeFileSync(page, `import { heading } from '../lib/text.ts';\n${edited}`);
  await expect.poll(heading, { timeout: RELOAD_DEADLINE_MS }).toBe('Come in');
  writeFileSync(library, readFileSync(library, 'utf8').replace('Come in', 'Welcome'));
  await expect.poll(heading, { timeout: RELOAD_DEADLINE_MS }).toBe('Welcome');
});

test('has a registry of Workers of its own, so that another checkout may run too', () => {
  expect(existsSync(join(directory, '.local/dev/registry'))).toBe(true);
});

test('says which servers it uses and where their data are', () => {
  expect(output).toMatch(/^ {2}Redis +\S.*, data in \S/m);
  expect(output).toMatch(/^ {2}MySQL +\S.*, data in \S/m);
});
