import { createHash } from 'node:crypto';
import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openCloud } from '../support/cloud.ts';

let cloud: CloudProxy;
/** As programs mostly use it: answers in base64, commands gathered into pipelines. */
let redis: Redis;

beforeAll(async () => {
  cloud = await openCloud({ schema: false });
  redis = client();
});
beforeEach(async () => {
  await cloud.redis.flushdb();
  cloud.calls.length = 0;
});
afterAll(() => cloud.stop());

function client(options: Partial<RedisConfigNodejs> = {}): Redis {
  return new Redis({
    url: cloud.env.UPSTASH_REDIS_REST_URL,
    token: cloud.env.UPSTASH_REDIS_REST_TOKEN,
    retry: { retries: 0 },
    automaticDeserialization: false,
    ...options,
  });
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(cloud.env.UPSTASH_REDIS_REST_URL + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${cloud.env.UPSTASH_REDIS_REST_TOKEN}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, json: (await response.json()) as unknown };
}

const BASE64 = { 'upstash-encoding': 'base64' };

describe('through @upstash/redis', () => {
  test('sets, reads and expires values', async () => {
    expect(await redis.set('k', 'v', { ex: 60, nx: true })).toBe('OK');
    expect(await redis.set('k', 'other', { nx: true })).toBeNull();
    expect(await redis.get('k')).toBe('v');
    expect(await redis.get('none')).toBeNull();
    expect(await redis.ttl('k')).toBe(60);
    expect(await redis.del('k', 'none')).toBe(1);
  });

  test.each(['é\0x', '😀 ünïcödé', 'OK', '', '12345678901234567890', 'a"b\\c\nd'])(
    'keeps the text %j',
    async (text) => {
      await redis.set('k', text);
      expect(await redis.get('k')).toBe(text);
      expect(await cloud.redis.get('k')).toBe(text);
      expect(await client({ responseEncoding: false }).get('k')).toBe(text);
    },
  );

  test('gives hashes, and null for an empty one', async () => {
    const hashes = client({ automaticDeserialization: true });
    await hashes.hset('h', { name: 'Ünal', size: 7 });
    expect(await hashes.hgetall('h')).toEqual({ name: 'Ünal', size: 7 });
    expect(await hashes.hgetall('none')).toBeNull();
    expect(await redis.hgetall('h')).toEqual(['name', 'Ünal', 'size', '7']);
    expect(await hashes.hmget('h', 'name', 'none')).toEqual({ name: 'Ünal', none: null });
  });

  test('turns numbers and booleans into text', async () => {
    await redis.set('n', 1.5);
    await redis.set('b', true);
    expect(await cloud.redis.mget('n', 'b')).toEqual(['1.5', 'true']);
  });

  test('gives sorted sets and streams in their nested form', async () => {
    await redis.zadd('z', { score: 1.5, member: 'm' }, { score: 2, member: 'ö' });
    expect(await redis.zrange('z', 0, -1, { withScores: true })).toEqual(['m', '1.5', 'ö', '2']);
    const id = await redis.xadd('s', '*', { f: 'v' });
    expect(await redis.xrange('s', '-', '+')).toEqual([[id, ['f', 'v']]]);
    expect(await client({ automaticDeserialization: true }).xrange('s', '-', '+')).toEqual({
      [id]: { f: 'v' },
    });
  });

  test('runs pipelines, with errors at their place', async () => {
    await redis.set('text', 'x');
    const pipeline = redis.pipeline().set('a', '1').incr('text').get('a');
    const results = await pipeline.exec({ keepErrors: true });
    expect(results.map(({ result }) => result)).toEqual(['OK', undefined, '1']);
    expect(results[1]?.error).toContain('ERR value is not an integer or out of range');
  });

  test('runs transactions whole or not at all', async () => {
    expect(await redis.multi().set('a', 'OK').incr('n').get('a').exec()).toEqual(['OK', 1, 'OK']);
    const broken = redis.multi().set('a', 'changed').del();
    await expect(broken.exec()).rejects.toThrow(
      'EXECABORT Transaction discarded because of previous errors.',
    );
    expect(await cloud.redis.get('a')).toBe('OK');
  });

  test('gathers commands of one moment into one request', async () => {
    await Promise.all([redis.get('a'), redis.get('b'), redis.get('c')]);
    expect(cloud.calls.map((call) => call.store === 'redis' && call.commands)).toEqual([
      [
        ['get', 'a'],
        ['get', 'b'],
        ['get', 'c'],
      ],
    ]);
  });

  test('sends single commands without auto-pipelining', async () => {
    const single = client({ enableAutoPipelining: false });
    expect(await single.set('k', 'v')).toBe('OK');
    expect(await single.get('k')).toBe('v');
    await expect(single.incr('k')).rejects.toThrow('ERR value is not an integer');
  });

  test('reports a wrong type, and a wrong token', async () => {
    await redis.set('k', 'v');
    await expect(redis.hget('k', 'f')).rejects.toThrow('WRONGTYPE Operation against a key');
    await expect(client({ token: 'wrong' }).get('k')).rejects.toThrow('WRONGPASS');
  });
});

describe('scripts', () => {
  const flagged = "#!lua flags=allow-key-locking\nreturn redis.call('SET', KEYS[1], ARGV[1])";
  const sha = createHash('sha1').update(flagged).digest('hex');

  test('run with the key-locking flag', async () => {
    expect(await redis.eval(flagged, ['k'], ['é'])).toBe('OK');
    expect(await cloud.redis.get('k')).toBe('é');
  });

  test('are known by the SHA-1 of their own text', async () => {
    await cloud.redis.script('FLUSH');
    await expect(redis.evalsha(sha, ['k'], ['v'])).rejects.toThrow('NOSCRIPT No matching script');
    expect(await redis.scriptLoad(flagged)).toBe(sha);
    expect(await redis.evalsha(sha, ['k'], ['v'])).toBe('OK');
    expect(await redis.scriptExists(sha, '0'.repeat(40))).toEqual([1, 0]);
    await cloud.redis.script('FLUSH');
    await expect(redis.evalsha(sha.toUpperCase(), ['k'], ['v'])).rejects.toThrow('NOSCRIPT');
    await redis.eval(flagged, ['k'], ['v']);
    expect(await redis.evalsha(sha, ['k'], ['v'])).toBe('OK');
  });

  test('keep their other flags and their line numbers', async () => {
    const readOnly = "#!lua flags=allow-key-locking,no-writes\nreturn redis.call('SET', KEYS[1], 'x')";
    await expect(redis.eval(readOnly, ['k'], [])).rejects.toThrow(/[Ww]rite commands are not allowed/);
    const failing = "#!lua flags=allow-key-locking\n\nerror('here')";
    await expect(redis.eval(failing, [], [])).rejects.toThrow(/user_script:3: here/);
  });

  test('with the flag may use the keys in KEYS only', async () => {
    const script = '#!lua flags=allow-key-locking\nreturn redis.call(unpack(ARGV))';
    expect(await redis.eval(script, ['a', 'b'], ['mset', 'b', '1', 'a', '2'])).toBe('OK');
    await expect(redis.eval(script, ['a'], ['mset', 'a', '3', 'b', '4'])).rejects.toThrow(
      'ERR allow-key-locking: the key b is not in KEYS',
    );
    await expect(redis.eval(script, ['a'], ['FLUSHDB'])).rejects.toThrow('needs the whole database');
    expect(await cloud.redis.mget('a', 'b')).toEqual(['2', '1']);
    await expect(redis.eval(script, ['a'], ['hget', 'a', 'f'])).rejects.toThrow('WRONGTYPE');
    const guarded = "#!lua flags=allow-key-locking\nlocal r = redis.pcall('get', 'b') return r.err or r";
    expect(await redis.eval(guarded, ['a'], [])).toBe('ERR allow-key-locking: the key b is not in KEYS');
    expect(await redis.eval("return redis.call('get', 'b')", [], [])).toBe('1');
  });

  test('with unknown flags are refused', async () => {
    await expect(redis.eval('#!lua flags=allow-key-locking,bogus\nreturn 1', [], [])).rejects.toThrow(
      'bogus',
    );
  });

  test('are known inside of transactions', async () => {
    const { json } = await post('/multi-exec', [
      ['script', 'load', flagged],
      ['evalsha', sha, 1, 'k', 'v'],
    ]);
    expect(json).toEqual([{ result: sha }, { result: 'OK' }]);
  });

  test('give numbers, strings, arrays and null', async () => {
    const script = "return {1, 'a', {'b', 2}, false, redis.status_reply('FINE')}";
    expect(await redis.eval(script, [], [])).toEqual([1, 'a', ['b', 2], null, 'FINE']);
  });
});

describe('on the wire', () => {
  test('strings are base64 of the raw bytes where asked for', async () => {
    await cloud.redis.set('k', Buffer.from([0xff, 0xfe, 0x00]));
    expect((await post('/', ['GET', 'k'], BASE64)).json).toEqual({ result: '//4A' });
    expect((await post('/', ['PING'], BASE64)).json).toEqual({ result: 'UE9ORw==' });
    const script = "return {1, 'a', {'b', 2}, false, redis.status_reply('OK')}";
    expect((await post('/', ['EVAL', script, 0], BASE64)).json).toEqual({
      result: [1, 'YQ==', ['Yg==', 2], null, 'T0s='],
    });
  });

  test('a bare OK, integers, null and error texts are not encoded', async () => {
    const { json } = await post(
      '/pipeline',
      [
        ['set', 'k', 'v'],
        ['incr', 'n'],
        ['get', 'none'],
        ['incr', 'k'],
      ],
      BASE64,
    );
    expect(json).toEqual([
      { result: 'OK' },
      { result: 1 },
      { result: null },
      { error: 'ERR value is not an integer or out of range' },
    ]);
  });

  test('an empty hash is an empty array', async () => {
    expect((await post('/', ['HGETALL', 'none'])).json).toEqual({ result: [] });
    expect((await post('/', ['HGETALL', 'none'], BASE64)).json).toEqual({ result: [] });
  });

  test('numbers arrive with the digits they were sent with', async () => {
    await post('/', '["set","k",9007199254740993]');
    expect(await cloud.redis.get('k')).toBe('9007199254740993');
  });

  test('an error inside of EXEC stays at its place', async () => {
    const { status, json } = await post('/multi-exec', [
      ['set', 'k', 'text'],
      ['incr', 'k'],
      ['get', 'k'],
    ]);
    expect(status).toBe(200);
    expect(json).toEqual([
      { result: 'OK' },
      { error: 'ERR value is not an integer or out of range' },
      { result: 'text' },
    ]);
  });

  test.each([
    ['/', ['nope'], "ERR unknown command 'nope', with args beginning with: "],
    ['/', ['get'], "ERR wrong number of arguments for 'get' command"],
    ['/', 'no json', 'ERR failed to parse command'],
    ['/', ['set', 'k', { a: 1 }], 'ERR failed to parse command'],
    ['/pipeline', ['get', 'k'], 'ERR failed to parse pipeline request'],
    ['/pipeline', [], 'ERR empty pipeline request'],
    ['/multi-exec', [['get']], 'EXECABORT Transaction discarded because of previous errors.'],
  ])('%s %j is answered with 400', async (path, body, error) => {
    expect(await post(path, body)).toMatchObject({ status: 400, json: { error } });
  });

  test.each(['subscribe', 'MONITOR', 'blpop', 'select', 'watch', 'config'])('%s is refused', async (name) => {
    const error = `ERR Command is not available: '${name}'`;
    expect(await post('/', [name, 'x', '1'])).toMatchObject({ status: 400, json: { error } });
    expect((await post('/', ['PING'])).json).toEqual({ result: 'PONG' });
  });

  test('flushall empties this database only', async () => {
    const neighbour = await openCloud({ schema: false });
    await neighbour.redis.set('k', 'v');
    await cloud.redis.set('k', 'v');
    await redis.flushall();
    expect(await neighbour.redis.get('k')).toBe('v');
    expect(await cloud.redis.get('k')).toBeNull();
    await neighbour.stop();
  });

  test('a wrong or missing token gets 401, and nothing is done', async () => {
    for (const authorization of ['Bearer wrong', '', cloud.env.UPSTASH_REDIS_REST_TOKEN]) {
      const { status, json } = await post('/', ['set', 'k', 'v'], { authorization });
      expect(status).toBe(401);
      expect(json).toEqual({ error: 'WRONGPASS invalid or missing auth token' });
    }
    expect(await cloud.redis.exists('k')).toBe(0);
  });

  test('other methods get 405, other paths 404', async () => {
    const headers = { authorization: `Bearer ${cloud.env.UPSTASH_REDIS_REST_TOKEN}` };
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect((await fetch(cloud.env.UPSTASH_REDIS_REST_URL, { method, headers })).status).toBe(405);
    }
    expect((await post('/elsewhere', [['ping']])).status).toBe(404);
  });

  test('the sync token changes with each successful command', async () => {
    const tokens = new Set<string | null>();
    for (const path of ['/', '/pipeline', '/multi-exec']) {
      const { headers } = await post(path, path === '/' ? ['ping'] : [['ping']]);
      tokens.add(headers.get('upstash-sync-token'));
    }
    expect(tokens.size).toBe(3);
    expect(tokens).not.toContain(null);
    expect((await post('/', ['nope'])).headers.get('upstash-sync-token')).toBeNull();
  });
});
