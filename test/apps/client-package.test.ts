import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { Log, LogLevel, Miniflare } from 'miniflare';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findDeno, findNode20 } from '../support/npm-programs.ts';
import { workerConfig } from '../support/worker-config.ts';

// `npm pack`, installed into an empty project.

const ROOT = join(import.meta.dirname, '../..');
const PACKAGE = join(ROOT, 'packages/client');
const INSTALL_TIMEOUT_MS = 120_000;
const FILES_MAX = 12;
/** What npm says where the registry can't be reached. */
const OFFLINE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED/;

/** `npm test` leaves its own settings in the environment. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  WRANGLER_SEND_METRICS: 'false',
};

const execute = promisify(execFile);
async function run(command: string, args: string[], cwd = project): Promise<string> {
  try {
    return (await execute(command, args, { cwd, env })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error });
  }
}
const runNode = (script: string, ...args: string[]) =>
  run(process.execPath, [join(ROOT, 'node_modules', script), ...args]);

let project: string;
let node20: string;
let deno: string;
let isOffline = false;
let packed: { filename: string; files: { path: string }[] };

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'client-package-'));
  await run('npm', ['run', '-s', 'build'], PACKAGE);
  const pack = ['pack', '--json', '--ignore-scripts', `--pack-destination=${project}`];
  [packed] = JSON.parse(await run('npm', pack, PACKAGE)) as [typeof packed];
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund'];
  if (!process.env['CI']) install.push('--fetch-retries=0');
  try {
    await run('npm', [...install, `./${packed.filename}`]);
    [node20, deno] = [findNode20(), findDeno()];
  } catch (error) {
    if (process.env['CI'] || !OFFLINE.test(String(error))) throw error;
    console.warn('WARNING: the tests of the packed client are NOT RUN, as npm has no network.', error);
    isOffline = true;
  }
}, INSTALL_TIMEOUT_MS);
beforeEach((test) => test.skip(isOffline, 'npm has no network'));
afterAll(() => rm(project, { recursive: true }));

test('has what it needs and no more', () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths.length).toBeLessThanOrEqual(FILES_MAX);
  expect(paths).toEqual(
    expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/testing.js']),
  );
  expect(paths.filter((path) => path.includes('src/') || path.includes('internal'))).toEqual([]);
});

const SCRIPT = `
import * as client from '@cloud-hoskie/client';
import { signedInAs } from '@cloud-hoskie/client/testing';
const request = await signedInAs({ id: '7', username: 'ada' });
const app = { issuer: 'https://login.example.org', audience: 'https://app.example.org' };
const { status } = await client.verifyAssertion(request, app);
let refused;
// Nothing listens there.
const middleware = client.hoskie({
  url: 'http://127.0.0.1:1',
  origin: app.audience,
  onUnavailable: (error) => (refused = error.cause.code),
});
const response = { setHeader() {}, end() {} };
await middleware({ url: '/', headers: {} }, response, () => {});
const { version } = process;
console.log(JSON.stringify([version.slice(0, 3), Object.keys(client).sort(), status, response.statusCode, refused]));
`;

test.each<[string, () => string]>([
  ['v20', () => node20],
  ['v24', () => process.execPath],
])(
  'runs on Node %s',
  async (version, find) => {
    await writeFile(join(project, 'script.js'), SCRIPT);
    expect(JSON.parse(await run(find(), ['script.js']))).toEqual([
      version,
      ['apiClient', 'hoskie', 'requireSession', 'verifyAssertion'],
      'valid',
      503,
      'ECONNREFUSED',
    ]);
  },
  INSTALL_TIMEOUT_MS,
);

test.each<[string, () => string]>([
  ['v20', () => node20],
  ['v24', () => process.execPath],
])('require() works on Node %s', async (_, find) => {
  const script = `
    const { hoskie } = require('@cloud-hoskie/client');
    const { signedInAs } = require('@cloud-hoskie/client/testing');
    console.log(typeof hoskie, typeof signedInAs);
  `;
  await writeFile(join(project, 'script.cjs'), script);
  expect(await run(find(), ['script.cjs'])).toBe('function function\n');
});

test('runs on Deno', async () => {
  await writeFile(join(project, 'script.js'), SCRIPT);
  const output = await run(deno, ['run', '--allow-all', '--node-modules-dir=manual', 'script.js']);
  expect(JSON.parse(output)).toEqual(expect.arrayContaining(['valid', 503]));
});

const CONSUMER = `
import { apiClient, hoskie, requireSession, verifyAssertion, type User } from '@cloud-hoskie/client';
import { signedInAs } from '@cloud-hoskie/client/testing';

const request: Request = await signedInAs({ id: '7', username: 'ada' });
const assertion = await verifyAssertion(request, { issuer: 'https://login.example.org', audience: 'https://app.example.org' });
if (assertion.status === 'valid') {
  const user: User = assertion.user;
  // @ts-expect-error
  const id: number = user.id;
}
const { data, error } = await apiClient('https://login.example.org').POST('/sessions', { body: { username: 'ada', password: 'x' } });
const token: string | undefined = data?.token;
const code: string | undefined = error?.code;
// @ts-expect-error
await apiClient('https://login.example.org').POST('/sessions', { body: { username: 'ada' } });
// @ts-expect-error
await apiClient('https://login.example.org').GET('/session');
hoskie({ url: 'https://login.example.org', mode: 'header', origin: 'https://app.example.org' });
// @ts-expect-error
hoskie({ url: 'https://login.example.org' });
export const middleware = requireSession({ binding: 'SESSIONS' });
export { token, code };
`;

test('compiles with tsc --strict --module nodenext, without hono', async () => {
  await writeFile(join(project, 'consumer.ts'), CONSUMER);
  await runNode('typescript/bin/tsc', '--strict', '--module', 'nodenext', '--noEmit', 'consumer.ts');
});

const HONO_APP = `
import { Hono } from 'hono';
import { requireSession, type SessionVariables } from '@cloud-hoskie/client';

const app = new Hono<{ Variables: SessionVariables }>();
app.use(requireSession({ binding: 'SESSIONS' }));
app.get('/', (c) => {
  const name: string = c.var.user.username;
  // @ts-expect-error
  const id: number = c.var.session.id;
  return c.text(name + id);
});
export default app;
`;

test('compiles beside hono, and so does the Express app of the README', async () => {
  const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8');
  const [expressApp] = /(?<=^```ts\n)import express.*?(?=^```$)/ms.exec(readme)!;
  const folder = join(project, 'with-peers');
  await mkdir(folder);
  await cp(join(project, 'node_modules'), join(folder, 'node_modules'), { recursive: true });
  await mkdir(join(folder, 'node_modules/@types'));
  for (const name of ['hono', 'express', '@types/express', '@types/node'])
    await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'hono.ts'), HONO_APP);
  await writeFile(join(folder, 'express.ts'), expressApp);
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const files = ['hono.ts', 'express.ts'];
  const options = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--types', 'node', '--noEmit'];
  await run(process.execPath, [tsc, ...options, ...files], folder);
});

const WORKER = `
import { verifyAssertion } from '@cloud-hoskie/client';
import { signedInAs } from '@cloud-hoskie/client/testing';
export default {
  async fetch(request) {
    const app = { issuer: 'https://login.example.org', audience: 'https://app.example.org' };
    const results = [request, await signedInAs({ id: '7', username: 'ada' })].map((each) => verifyAssertion(each, app));
    return Response.json(await Promise.all(results));
  },
};
`;

test('builds into a Worker, which runs', async () => {
  await writeFile(join(project, 'worker.js'), WORKER);
  const args = ['deploy', 'worker.js', '--name=worker', '--compatibility-date=2026-11-01', '--dry-run'];
  expect(await runNode('wrangler/bin/wrangler.js', ...args, '--outdir=dist')).not.toContain('WARNING');
  const script = await readFile(join(project, 'dist/worker.js'), 'utf8');
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    // Otherwise it asks the internet who we are.
    cf: false,
    log: new Log(LogLevel.NONE),
    workers: [{ config: workerConfig('worker', script, {}) }],
  });
  try {
    const response = await miniflare.dispatchFetch('https://app.example.org/');
    expect(await response.json()).toEqual([
      { status: 'invalid', reason: 'missing' },
      { status: 'valid', user: { id: '7', username: 'ada' }, sessionId: 'test-session' },
    ]);
  } finally {
    await miniflare.dispose();
  }
});

test('a bundle has only what it uses', async () => {
  const contents = `export { requireSession } from '@cloud-hoskie/client';`;
  const { outputFiles, warnings } = await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    format: 'esm',
    write: false,
  });
  expect(warnings).toEqual([]);
  expect(outputFiles[0]!.text).toContain('requireSession');
  expect(outputFiles[0]!.text).not.toMatch(/jwks|openapi|getBuiltinModule/i);
});
