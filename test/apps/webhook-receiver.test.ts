import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jwsSigner } from '../../src/lib/jws.ts';
import { findFreePort } from '../../tools/local-cloud/free-port.ts';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { addUser, eventually, logoutRows } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useCloud } from '../support/test-environment.ts';
import { openWorker, type TestWorker } from '../support/worker.ts';
import { runCli } from '../tools/hoskie/run-cli.ts';

// The receiver of examples/, as its README starts it, behind the built Worker.

const ROOT = join(import.meta.dirname, '../..');
const KEY = newSigningKey();
const TOKEN = 'bearer-of-the-receiver';
const stores = useCloud();

let directory: string;
let receiver: ReturnType<typeof spawn>;
let worker: TestWorker;
let bindings: Record<string, string>;
let origin: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'webhook-receiver-'));
  const [receiverPort, workerPort] = [await findFreePort(), await findFreePort()];
  origin = `http://127.0.0.1:${receiverPort}`;
  bindings = {
    PUBLIC_URL: `http://localhost:${workerPort}`,
    ASSERTION_KEYS: toKeySet([KEY]),
    WEBHOOKS: JSON.stringify([{ name: 'example', url: `${origin}/events`, token: TOKEN }]),
  };
  receiver = spawn(process.execPath, [join(ROOT, 'examples/webhook-receiver/index.ts')], {
    cwd: directory,
    env: { ISSUER: bindings['PUBLIC_URL'], AUDIENCE: origin, TOKEN, PORT: String(receiverPort) },
    stdio: 'ignore',
  });
  worker = await openWorker({ cloud: stores.cloud, bindings, port: workerPort });
  await eventually(() => push('no token'), 30_000);
});
afterAll(async () => {
  await worker.stop();
  receiver.kill();
  await once(receiver, 'exit');
  rmSync(directory, { recursive: true });
});

/** Returns the status and, of a 400, its code. */
const push = async (body: string, bearer = TOKEN): Promise<string> => {
  const headers = { 'Content-Type': 'application/secevent+jwt', Authorization: `Bearer ${bearer}` };
  const response = await fetch(`${origin}/events`, { method: 'POST', headers, body });
  const text = await response.text();
  return `${response.status} ${text === '' ? '' : (JSON.parse(text) as { err: string }).err}`.trim();
};

function storedIds(): unknown[] {
  const database = new DatabaseSync(join(directory, 'events.db'), { readOnly: true });
  try {
    return database
      .prepare('SELECT jti FROM events ORDER BY rowid')
      .all()
      .map(({ jti }) => jti);
  } finally {
    database.close();
  }
}

const claims = (changes: object = {}) => ({
  iss: bindings['PUBLIC_URL'],
  aud: origin,
  iat: 1,
  toe: 1,
  jti: 'made-by-hand',
  events: { 'urn:x': {} },
  ...changes,
});

test('a sign-out is stored under the id of its row', async () => {
  const user = await addUser(stores.cloud);
  const { visitor } = await seedVisitor({ cloud: stores.cloud, worker }, user, {});
  await visitor.logOut();
  const [row] = await eventually(async () => {
    const rows = await logoutRows(stores.cloud, user);
    expect(rows).toHaveLength(1);
    return rows;
  });
  await eventually(() => expect(storedIds()).toContain(row?.['id']));
  await eventually(async () => expect(await stores.cloud.redis.xlen('webhook:example')).toBe(0));
});

test('hoskie webhooks test reaches it', async () => {
  const { stdout } = await runCli(null, ['webhooks', 'test'], { env: bindings });
  expect(stdout).toBe('pass  example: accepted (202)\n');
});

test('an event that comes twice is stored once', async () => {
  const token = await jwsSigner(KEY, 'secevent+jwt')(claims());
  expect([await push(token), await push(token)]).toEqual(['202', '202']);
  expect(storedIds().filter((id) => id === 'made-by-hand')).toHaveLength(1);
});

test('what is not ours is refused, and what can’t be verified yet is retried', async () => {
  const sign = jwsSigner(KEY, 'secevent+jwt');
  const statuses = {
    'another bearer': await push(await sign(claims()), 'another'),
    'no token': await push('no token'),
    'an assertion': await push(await jwsSigner(KEY, 'JWT')(claims())),
    'another issuer': await push(await sign(claims({ iss: 'https://evil.example' }))),
    'another audience': await push(await sign(claims({ aud: 'https://other.example' }))),
    'a changed token': await push((await sign(claims())).replace(/\.[^.]+$/, `.${'A'.repeat(86)}`)),
    'no jti': await push(await sign(claims({ jti: undefined }))),
    'an unknown key': await push(await jwsSigner(newSigningKey(), 'secevent+jwt')(claims())),
  };
  expect(statuses).toEqual({
    'another bearer': '401',
    'no token': '400 invalid_request',
    'an assertion': '400 invalid_request',
    'another issuer': '400 invalid_issuer',
    'another audience': '400 invalid_audience',
    'a changed token': '400 invalid_key',
    'no jti': '400 invalid_request',
    'an unknown key': '503',
  });
});
