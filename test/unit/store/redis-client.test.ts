import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { redisClient, upstashRedis } from '../../../src/store/redis-client.ts';
import { StoreTrace } from '../../../src/store/store-trace.ts';

// What the options for the vendor's client amount to. Faults are in test/stores/outages.test.ts.

let requests: { headers: Headers; body: unknown }[];
let reply: unknown;
/** Texts of the errors that come first, one a request. */
let errors: string[];
beforeEach(() => {
  requests = [];
  reply = null;
  errors = [];
  vi.stubGlobal('fetch', (_url: string, { headers, body }: RequestInit) => {
    requests.push({ headers: new Headers(headers), body: JSON.parse(body as string) });
    const error = errors.shift();
    if (error !== undefined) return Promise.resolve(Response.json({ error }, { status: 400 }));
    return Promise.resolve(
      Response.json({ result: reply }, { headers: { 'Upstash-Sync-Token': `token ${requests.length}` } }),
    );
  });
});
afterEach(() => vi.unstubAllGlobals());

const open = (redis = upstashRedis({ url: 'https://redis.example', token: 'secret' }, 1000)) =>
  redisClient(redis, 1000, new StoreTrace());

test('each command is one request, in order, without telemetry or base64', async () => {
  const client = open();
  await Promise.all([client.mget(['a', 'b']), client.eval('return 1', ['k'], ['007'])]);
  await client.xdel('stream', ['1-1', '1-2']);
  expect(requests.map(({ body }) => body)).toEqual([
    ['mget', 'a', 'b'],
    ['eval', 'return 1', 1, 'k', '007'],
    ['XDEL', 'stream', '1-1', '1-2'],
  ]);
  for (const { headers } of requests) {
    expect([...headers.keys()].sort()).toEqual(['authorization', 'content-type', 'upstash-sync-token']);
    expect(headers.get('authorization')).toBe('Bearer secret');
  }
});

test('texts stay texts, even digits and JSON', async () => {
  for (const text of ['7', '[1,"a"]', 'null', 'OK']) {
    reply = [text, null, 3];
    expect(await open().eval('return', [], [])).toEqual([text, null, 3]);
    expect(await open().mget(['key'])).toEqual([text, null, 3]);
  }
});

test.each([
  'LOADING Redis is loading the dataset in memory',
  'READONLY You can’t write against a read only replica.',
])('“%s” passes, so the command is sent again', async (error) => {
  errors = [error];
  expect(await open().eval('return 1', [], [])).toBeNull();
  expect(requests).toHaveLength(2);
});

test('an error that would come again is not retried', async () => {
  errors = ['WRONGTYPE Operation against a key holding the wrong kind of value'];
  await expect(open().eval('return 1', [], [])).rejects.toMatchObject({
    reason: { code: 'store_unavailable' },
  });
  expect(requests).toHaveLength(1);
});

// Upstash's "Read Your Writes": a replica waits until it has seen what this client has seen.
test('the sync token of a reply is sent with the next command, even of another request', async () => {
  const redis = upstashRedis({ url: 'https://redis.example', token: 'secret' }, 1000);
  await open(redis).eval('return 1', [], []);
  await open(redis).mget(['a']);
  expect(requests[1]?.headers.get('upstash-sync-token')).toBe('token 1');
});

test('scans and counts the keys, for the operator’s tool', async () => {
  reply = ['17', ['a', 'b']];
  expect(await open().scan('0', 500)).toEqual({ cursor: '17', keys: ['a', 'b'] });
  reply = 42;
  expect(await open().keyCount()).toBe(42);
  expect(requests.map(({ body }) => body)).toEqual([['scan', '0', 'count', 500], ['dbsize']]);
});
