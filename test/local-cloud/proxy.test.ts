import { once } from 'node:events';
import { createServer } from 'node:net';
import { Client } from '@planetscale/database';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countCalls, type CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { splitStatements } from '../../tools/local-cloud/sql-file.ts';
import { openCloud } from '../support/cloud.ts';

let cloud: CloudProxy;
let client: Client;

beforeAll(async () => {
  cloud = await openCloud({ schema: false });
  client = new Client({ url: cloud.env.DATABASE_URL });
  await cloud.query('CREATE TABLE t (id INT PRIMARY KEY)');
});
beforeEach(async () => {
  await cloud.redis.flushdb();
  await cloud.query('TRUNCATE TABLE t');
  cloud.calls.length = 0;
});
afterEach(async () => {
  cloud.faults.clear();
  await cloud.settled();
});
afterAll(() => cloud.stop());

function send(command: unknown[], signal?: AbortSignal): Promise<Response> {
  return fetch(cloud.env.UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: { authorization: `Bearer ${cloud.env.UPSTASH_REDIS_REST_TOKEN}` },
    body: JSON.stringify(command),
    ...(signal !== undefined && { signal }),
  });
}

/** Activates a fault; resolves when it is injected for the first time. */
function inject(store: 'redis' | 'mysql', fault: Fault): Promise<void> {
  return new Promise((resolve) => {
    cloud.faults.set(store, {
      ...fault,
      match: () => {
        resolve();
        return true;
      },
    });
  });
}

describe('faults', () => {
  test('refuse: the connection breaks and nothing is done', async () => {
    cloud.faults.set('redis', { kind: 'refuse' });
    await expect(send(['set', 'k', 'v'])).rejects.toThrow('fetch failed');
    expect(await cloud.redis.exists('k')).toBe(0);
    expect(cloud.calls).toMatchObject([{ commands: [['set', 'k', 'v']], status: null, fault: 'refuse' }]);
    cloud.faults.set('mysql', { kind: 'refuse' });
    await expect(client.execute('INSERT INTO t VALUES (1)')).rejects.toThrow('fetch failed');
    expect(await cloud.query('SELECT id FROM t')).toEqual([]);
  });

  test('hang: a client that gives up leaves nothing done', async () => {
    const injected = inject('redis', { kind: 'hang' });
    const abort = new AbortController();
    const request = send(['set', 'k', 'v'], abort.signal);
    await injected;
    abort.abort();
    await expect(request).rejects.toThrow('aborted');
    await cloud.settled();
    expect(await cloud.redis.exists('k')).toBe(0);
    expect(cloud.calls).toMatchObject([{ status: null, fault: 'hang' }]);
  });

  test('hang: goes on when the fault is cleared', async () => {
    const injected = inject('mysql', { kind: 'hang' });
    const request = client.execute('INSERT INTO t VALUES (1)');
    await injected;
    expect(cloud.calls).toEqual([]);
    cloud.faults.clear('mysql');
    expect((await request).rowsAffected).toBe(1);
  });

  test('status: a response without the work', async () => {
    cloud.faults.set('redis', { kind: 'status', status: 502, body: '<html>', contentType: 'text/html' });
    const response = await send(['set', 'k', 'v']);
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      502,
      'text/html',
      '<html>',
    ]);
    cloud.faults.set('redis', { kind: 'status', status: 429 });
    expect(await (await send(['set', 'k', 'v'])).json()).toEqual({ error: 'status 429' });
    expect(await cloud.redis.exists('k')).toBe(0);
    expect(cloud.calls.map(({ status }) => status)).toEqual([502, 429]);
  });

  test('delay: the work and the response come later', async () => {
    cloud.faults.set('redis', { kind: 'delay', ms: 40 });
    expect(await (await send(['set', 'k', 'v'])).json()).toEqual({ result: 'OK' });
    const [call] = cloud.calls;
    // Timers may fire up to a millisecond early.
    expect((call?.endedAtMs ?? 0) - (call?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(39);
  });

  test('delay: nothing is done for a client that has gone', async () => {
    const injected = inject('redis', { kind: 'delay', ms: 10_000 });
    const abort = new AbortController();
    const request = send(['set', 'k', 'v'], abort.signal);
    await injected;
    abort.abort();
    await expect(request).rejects.toThrow('aborted');
    await cloud.settled();
    expect(await cloud.redis.exists('k')).toBe(0);
  });

  test('lose-answer: the work is done, the connection breaks', async () => {
    cloud.faults.set('redis', { kind: 'lose-answer' });
    await expect(send(['set', 'k', 'v'])).rejects.toThrow('fetch failed');
    expect(await cloud.redis.get('k')).toBe('v');
    cloud.faults.set('mysql', { kind: 'lose-answer' });
    await expect(client.execute('INSERT INTO t VALUES (1)')).rejects.toThrow('fetch failed');
    expect(await cloud.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
  });

  test('late: the work is done although the client has gone', async () => {
    const injected = inject('redis', { kind: 'late', ms: 50 });
    const abort = new AbortController();
    const request = send(['set', 'k', 'v'], abort.signal);
    await injected;
    abort.abort();
    await expect(request).rejects.toThrow('aborted');
    expect(await cloud.redis.exists('k')).toBe(0);
    await cloud.settled();
    expect(await cloud.redis.get('k')).toBe('v');
    expect(cloud.calls).toMatchObject([{ status: null, fault: 'late' }]);
  });

  test('affect one store only, every nth call, so many times, and matching calls', async () => {
    const statuses = async (count: number): Promise<number[]> => {
      const list: number[] = [];
      for (let i = 0; i < count; i += 1) list.push((await send(['incr', 'n'])).status);
      return list;
    };
    cloud.faults.set('redis', { kind: 'status', status: 500, everyNth: 3 });
    expect(await statuses(7)).toEqual([200, 200, 500, 200, 200, 500, 200]);
    cloud.faults.set('redis', { kind: 'status', status: 500, times: 2 });
    expect(await statuses(4)).toEqual([500, 500, 200, 200]);
    const isGet = (call: CallContent): boolean => call.store === 'redis' && call.commands[0]?.[0] === 'get';
    cloud.faults.set('redis', { kind: 'status', status: 500, match: isGet });
    expect((await send(['get', 'n'])).status).toBe(500);
    expect(await statuses(1)).toEqual([200]);
    expect((await client.execute('SELECT 1')).rows).toHaveLength(1);
    cloud.faults.clear('redis');
    expect((await send(['get', 'n'])).status).toBe(200);
  });
});

describe('the log of calls', () => {
  test('has commands, SQL, status and times', async () => {
    const fromMs = performance.timeOrigin + performance.now();
    await send(['set', 'k', 1]);
    await client.execute('SELECT ? AS a', ['x']);
    await send(['nope']);
    const untilMs = performance.timeOrigin + performance.now();
    expect(cloud.calls).toMatchObject([
      { store: 'redis', commands: [['set', 'k', '1']], status: 200, fault: null },
      { store: 'mysql', sql: "SELECT 'x' AS a", status: 200 },
      { store: 'redis', commands: [['nope']], status: 400 },
    ]);
    expect(countCalls(cloud.calls, fromMs, untilMs)).toEqual({
      roundTrips: 3,
      calls: 3,
      redisCommands: 2,
      sqlStatements: 1,
    });
  });

  test('shows calls at the same time as one round trip', async () => {
    cloud.faults.set('redis', { kind: 'delay', ms: 60 });
    cloud.faults.set('mysql', { kind: 'delay', ms: 60 });
    await Promise.all([send(['get', 'a']), send(['get', 'b']), client.execute('SELECT 1')]);
    expect(countCalls(cloud.calls, 0, Infinity)).toMatchObject({ roundTrips: 1, calls: 3 });
  });

  test('is complete when settled() resolves', async () => {
    const injected = inject('redis', { kind: 'delay', ms: 30 });
    const request = send(['get', 'a']);
    await injected;
    await cloud.settled();
    expect(cloud.calls).toHaveLength(1);
    await request;
  });
});

describe('ports', () => {
  test('refuse connections while they are closed, each store on its own', async () => {
    const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.catch((error: Error) => (error.cause as { code?: string } | undefined)?.code);
    await send(['set', 'k', 'v']);
    await cloud.close('redis');
    // The client may still use a connection that it does not know to be closed.
    await expect.poll(() => codeOf(send(['get', 'k'])), { interval: 5 }).toBe('ECONNREFUSED');
    expect((await client.execute('SELECT 1')).rows).toHaveLength(1);
    await cloud.reopen('redis');
    expect(await (await send(['get', 'k'])).json()).toEqual({ result: 'v' });
    await cloud.close('mysql');
    await expect.poll(() => codeOf(client.execute('SELECT 1')), { interval: 5 }).toBe('ECONNREFUSED');
    await cloud.reopen('mysql');
    expect((await client.execute('SELECT 1')).rows).toHaveLength(1);
  });

  test('stay closed while another program has the port', async () => {
    await cloud.close('redis');
    const { port } = new URL(cloud.env.UPSTASH_REDIS_REST_URL);
    const thief = createServer().listen(Number(port), '127.0.0.1');
    await once(thief, 'listening');
    await expect(cloud.reopen('redis')).rejects.toThrow('EADDRINUSE');
    thief.close();
    await once(thief, 'close');
    await cloud.reopen('redis');
    // The client may still use a connection that it does not know to be closed.
    const ping = () => send(['ping']).then((response) => response.status);
    await expect.poll(() => ping().catch(() => null), { interval: 5 }).toBe(200);
  });
});

test('stop() breaks what hangs or is delayed, without its work', async () => {
  const other = await openCloud({ schema: false });
  const injected = new Promise<void>((resolve) => {
    other.faults.set('mysql', { kind: 'hang', match: () => (resolve(), true) });
  });
  const hanging = new Client({ url: other.env.DATABASE_URL }).execute('INSERT INTO t VALUES (1)');
  const broken = expect(hanging).rejects.toThrow('fetch failed');
  await injected;
  await other.stop();
  await broken;
  await expect(fetch(other.env.UPSTASH_REDIS_REST_URL)).rejects.toThrow('fetch failed');
  expect(other.calls).toMatchObject([{ status: null, fault: 'hang' }]);
});

test('a test cloud has the tables of schema.sql', async () => {
  const withTables = await openCloud();
  expect((await withTables.query('SHOW TABLES')).length).toBeGreaterThan(0);
  await withTables.stop();
});

test('an SQL file is cut at semicolons that end a line', () => {
  const text =
    "-- A; comment;\nCREATE TABLE a (\n  b TEXT DEFAULT ';x' -- why; not\n);\n\nDROP TABLE a; -- gone\nSELECT 1";
  expect(splitStatements(text)).toEqual([
    "CREATE TABLE a (\n  b TEXT DEFAULT ';x' -- why; not\n)",
    'DROP TABLE a',
    'SELECT 1',
  ]);
});
