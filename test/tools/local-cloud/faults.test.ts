import { expect, test } from 'vitest';
import type { CallContent } from '../../../tools/local-cloud/calls.ts';
import { useProxy } from './use-proxy.ts';

const proxy = useProxy();

test('refuse: the connection breaks and nothing is done', async () => {
  proxy.cloud.faults.set('redis', { kind: 'refuse' });
  await expect(proxy.send(['set', 'k', 'v'])).rejects.toThrow('fetch failed');
  expect(await proxy.cloud.redis.exists('k')).toBe(0);
  expect(proxy.cloud.calls).toMatchObject([{ commands: [['set', 'k', 'v']], status: null, fault: 'refuse' }]);
  proxy.cloud.faults.set('mysql', { kind: 'refuse' });
  await expect(proxy.client.execute('INSERT INTO t VALUES (1)')).rejects.toThrow('fetch failed');
  expect(await proxy.cloud.query('SELECT id FROM t')).toEqual([]);
});

test('hang: a client that gives up leaves nothing done', async () => {
  const injected = proxy.inject('redis', { kind: 'hang' });
  const abort = new AbortController();
  const request = proxy.send(['set', 'k', 'v'], abort.signal);
  await injected;
  abort.abort();
  await expect(request).rejects.toThrow('aborted');
  await proxy.cloud.settled();
  expect(await proxy.cloud.redis.exists('k')).toBe(0);
  expect(proxy.cloud.calls).toMatchObject([{ status: null, fault: 'hang' }]);
});

test('hang: goes on when the fault is cleared', async () => {
  const injected = proxy.inject('mysql', { kind: 'hang' });
  const request = proxy.client.execute('INSERT INTO t VALUES (1)');
  await injected;
  expect(proxy.cloud.calls).toEqual([]);
  proxy.cloud.faults.clear('mysql');
  expect((await request).rowsAffected).toBe(1);
});

test('status: a response without the work', async () => {
  proxy.cloud.faults.set('redis', { kind: 'status', status: 502, body: '<html>', contentType: 'text/html' });
  const response = await proxy.send(['set', 'k', 'v']);
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    502,
    'text/html',
    '<html>',
  ]);
  proxy.cloud.faults.set('redis', { kind: 'status', status: 429 });
  expect(await (await proxy.send(['set', 'k', 'v'])).json()).toEqual({ error: 'status 429' });
  expect(await proxy.cloud.redis.exists('k')).toBe(0);
  expect(proxy.cloud.calls.map(({ status }) => status)).toEqual([502, 429]);
});

test('delay: the work and the response come later', async () => {
  proxy.cloud.faults.set('redis', { kind: 'delay', ms: 40 });
  expect(await (await proxy.send(['set', 'k', 'v'])).json()).toEqual({ result: 'OK' });
  const [call] = proxy.cloud.calls;
  // Timers may fire up to a millisecond early.
  expect((call?.endedAtMs ?? 0) - (call?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(39);
});

test('delay: nothing is done for a client that has gone', async () => {
  const injected = proxy.inject('redis', { kind: 'delay', ms: 10_000 });
  const abort = new AbortController();
  const request = proxy.send(['set', 'k', 'v'], abort.signal);
  await injected;
  abort.abort();
  await expect(request).rejects.toThrow('aborted');
  await proxy.cloud.settled();
  expect(await proxy.cloud.redis.exists('k')).toBe(0);
});

test('lose-answer: the work is done, the connection breaks', async () => {
  proxy.cloud.faults.set('redis', { kind: 'lose-answer' });
  await expect(proxy.send(['set', 'k', 'v'])).rejects.toThrow('fetch failed');
  expect(await proxy.cloud.redis.get('k')).toBe('v');
  proxy.cloud.faults.set('mysql', { kind: 'lose-answer' });
  await expect(proxy.client.execute('INSERT INTO t VALUES (1)')).rejects.toThrow('fetch failed');
  expect(await proxy.cloud.query('SELECT id FROM t')).toEqual([{ id: 1 }]);
});

test('late: the work is done although the client has gone', async () => {
  const injected = proxy.inject('redis', { kind: 'late', ms: 50 });
  const abort = new AbortController();
  const request = proxy.send(['set', 'k', 'v'], abort.signal);
  await injected;
  abort.abort();
  await expect(request).rejects.toThrow('aborted');
  expect(await proxy.cloud.redis.exists('k')).toBe(0);
  await proxy.cloud.settled();
  expect(await proxy.cloud.redis.get('k')).toBe('v');
  expect(proxy.cloud.calls).toMatchObject([{ status: null, fault: 'late' }]);
});

test('affect one store only, every nth call, so many times, and matching calls', async () => {
  const statuses = async (count: number): Promise<number[]> => {
    const list: number[] = [];
    for (let i = 0; i < count; i += 1) list.push((await proxy.send(['incr', 'n'])).status);
    return list;
  };
  proxy.cloud.faults.set('redis', { kind: 'status', status: 500, everyNth: 3 });
  expect(await statuses(7)).toEqual([200, 200, 500, 200, 200, 500, 200]);
  proxy.cloud.faults.set('redis', { kind: 'status', status: 500, times: 2 });
  expect(await statuses(4)).toEqual([500, 500, 200, 200]);
  const isGet = (call: CallContent): boolean => call.store === 'redis' && call.commands[0]?.[0] === 'get';
  proxy.cloud.faults.set('redis', { kind: 'status', status: 500, match: isGet });
  expect((await proxy.send(['get', 'n'])).status).toBe(500);
  expect(await statuses(1)).toEqual([200]);
  expect((await proxy.client.execute('SELECT 1')).rows).toHaveLength(1);
  proxy.cloud.faults.clear('redis');
  expect((await proxy.send(['get', 'n'])).status).toBe(200);
});
