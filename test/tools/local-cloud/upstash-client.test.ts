import { describe, expect, test } from 'vitest';
import { upstashClient, useUpstash } from './use-upstash.ts';

const upstash = useUpstash();

describe('through @upstash/redis', () => {
  test('sets, reads and expires values', async () => {
    expect(await upstash.redis.set('k', 'v', { ex: 60, nx: true })).toBe('OK');
    expect(await upstash.redis.set('k', 'other', { nx: true })).toBeNull();
    expect(await upstash.redis.get('k')).toBe('v');
    expect(await upstash.redis.get('none')).toBeNull();
    expect(await upstash.redis.ttl('k')).toBe(60);
    expect(await upstash.redis.del('k', 'none')).toBe(1);
  });

  test.each(['é\0x', '😀 ünïcödé', 'OK', '', '12345678901234567890', 'a"b\\c\nd'])(
    'keeps the text %j',
    async (text) => {
      await upstash.redis.set('k', text);
      expect(await upstash.redis.get('k')).toBe(text);
      expect(await upstash.cloud.redis.get('k')).toBe(text);
      expect(await upstashClient(upstash.cloud, { responseEncoding: false }).get('k')).toBe(text);
    },
  );

  test('gives hashes, and null for an empty one', async () => {
    const hashes = upstashClient(upstash.cloud, { automaticDeserialization: true });
    await hashes.hset('h', { name: 'Ünal', size: 7 });
    expect(await hashes.hgetall('h')).toEqual({ name: 'Ünal', size: 7 });
    expect(await hashes.hgetall('none')).toBeNull();
    expect(await upstash.redis.hgetall('h')).toEqual(['name', 'Ünal', 'size', '7']);
    expect(await hashes.hmget('h', 'name', 'none')).toEqual({ name: 'Ünal', none: null });
  });

  test('turns numbers and booleans into text', async () => {
    await upstash.redis.set('n', 1.5);
    await upstash.redis.set('b', true);
    expect(await upstash.cloud.redis.mget('n', 'b')).toEqual(['1.5', 'true']);
  });

  test('gives sorted sets and streams in their nested form', async () => {
    await upstash.redis.zadd('z', { score: 1.5, member: 'm' }, { score: 2, member: 'ö' });
    expect(await upstash.redis.zrange('z', 0, -1, { withScores: true })).toEqual(['m', '1.5', 'ö', '2']);
    const id = await upstash.redis.xadd('s', '*', { f: 'v' });
    expect(await upstash.redis.xrange('s', '-', '+')).toEqual([[id, ['f', 'v']]]);
    expect(
      await upstashClient(upstash.cloud, { automaticDeserialization: true }).xrange('s', '-', '+'),
    ).toEqual({
      [id]: { f: 'v' },
    });
  });

  test('runs pipelines, with errors at their place', async () => {
    await upstash.redis.set('text', 'x');
    const pipeline = upstash.redis.pipeline().set('a', '1').incr('text').get('a');
    const results = await pipeline.exec({ keepErrors: true });
    expect(results.map(({ result }) => result)).toEqual(['OK', undefined, '1']);
    expect(results[1]?.error).toContain('ERR value is not an integer or out of range');
  });

  test('runs transactions whole or not at all', async () => {
    expect(await upstash.redis.multi().set('a', 'OK').incr('n').get('a').exec()).toEqual(['OK', 1, 'OK']);
    const broken = upstash.redis.multi().set('a', 'changed').del();
    await expect(broken.exec()).rejects.toThrow(
      'EXECABORT Transaction discarded because of previous errors.',
    );
    expect(await upstash.cloud.redis.get('a')).toBe('OK');
  });

  test('gathers commands of one moment into one request', async () => {
    await Promise.all([upstash.redis.get('a'), upstash.redis.get('b'), upstash.redis.get('c')]);
    expect(upstash.cloud.calls.map((call) => call.store === 'redis' && call.commands)).toEqual([
      [
        ['get', 'a'],
        ['get', 'b'],
        ['get', 'c'],
      ],
    ]);
  });

  test('sends single commands without auto-pipelining', async () => {
    const single = upstashClient(upstash.cloud, { enableAutoPipelining: false });
    expect(await single.set('k', 'v')).toBe('OK');
    expect(await single.get('k')).toBe('v');
    await expect(single.incr('k')).rejects.toThrow('ERR value is not an integer');
  });

  test('reports a wrong type, and a wrong token', async () => {
    await upstash.redis.set('k', 'v');
    await expect(upstash.redis.hget('k', 'f')).rejects.toThrow('WRONGTYPE Operation against a key');
    await expect(upstashClient(upstash.cloud, { token: 'wrong' }).get('k')).rejects.toThrow('WRONGPASS');
  });
});
