import { once } from 'node:events';
import { createServer } from 'node:net';
import { Client } from '@planetscale/database';
import { describe, expect, test } from 'vitest';
import { countCalls } from '../../../tools/local-cloud/calls.ts';
import { splitStatements } from '../../../tools/local-cloud/sql-file.ts';
import { openCloud } from '../../support/cloud.ts';
import { useProxy } from './use-proxy.ts';

const proxy = useProxy();

describe('the log of calls', () => {
  test('has commands, SQL, status and times', async () => {
    const fromMs = performance.timeOrigin + performance.now();
    await proxy.send(['set', 'k', 1]);
    await proxy.client.execute('SELECT ? AS a', ['x']);
    await proxy.send(['nope']);
    const untilMs = performance.timeOrigin + performance.now();
    expect(proxy.cloud.calls).toMatchObject([
      { store: 'redis', commands: [['set', 'k', '1']], status: 200, fault: null },
      { store: 'mysql', sql: "SELECT 'x' AS a", status: 200 },
      { store: 'redis', commands: [['nope']], status: 400 },
    ]);
    expect(countCalls(proxy.cloud.calls, fromMs, untilMs)).toEqual({
      roundTrips: 3,
      calls: 3,
      redisCommands: 2,
      sqlStatements: 1,
    });
  });

  test('shows calls at the same time as one round trip', async () => {
    proxy.cloud.faults.set('redis', { kind: 'delay', ms: 60 });
    proxy.cloud.faults.set('mysql', { kind: 'delay', ms: 60 });
    await Promise.all([proxy.send(['get', 'a']), proxy.send(['get', 'b']), proxy.client.execute('SELECT 1')]);
    expect(countCalls(proxy.cloud.calls, 0, Infinity)).toMatchObject({ roundTrips: 1, calls: 3 });
  });

  test('is complete when settled() resolves', async () => {
    const injected = proxy.inject('redis', { kind: 'delay', ms: 30 });
    const request = proxy.send(['get', 'a']);
    await injected;
    await proxy.cloud.settled();
    expect(proxy.cloud.calls).toHaveLength(1);
    await request;
  });
});

describe('ports', () => {
  test('refuse connections while they are closed, each store on its own', async () => {
    const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.catch((error: Error) => (error.cause as { code?: string } | undefined)?.code);
    await proxy.send(['set', 'k', 'v']);
    await proxy.cloud.close('redis');
    // The client may still use a connection that it does not know to be closed.
    await expect.poll(() => codeOf(proxy.send(['get', 'k'])), { interval: 5 }).toBe('ECONNREFUSED');
    expect((await proxy.client.execute('SELECT 1')).rows).toHaveLength(1);
    await proxy.cloud.reopen('redis');
    expect(await (await proxy.send(['get', 'k'])).json()).toEqual({ result: 'v' });
    await proxy.cloud.close('mysql');
    await expect.poll(() => codeOf(proxy.client.execute('SELECT 1')), { interval: 5 }).toBe('ECONNREFUSED');
    await proxy.cloud.reopen('mysql');
    expect((await proxy.client.execute('SELECT 1')).rows).toHaveLength(1);
  });

  test('stay closed while another program has the port', async () => {
    await proxy.cloud.close('redis');
    const { port } = new URL(proxy.cloud.env.UPSTASH_REDIS_REST_URL);
    const thief = createServer().listen(Number(port), '127.0.0.1');
    await once(thief, 'listening');
    await expect(proxy.cloud.reopen('redis')).rejects.toThrow('EADDRINUSE');
    thief.close();
    await once(thief, 'close');
    await proxy.cloud.reopen('redis');
    // The client may still use a connection that it does not know to be closed.
    const ping = () => proxy.send(['ping']).then((response) => response.status);
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
