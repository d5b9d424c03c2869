import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';
import { post, useUpstash } from './use-upstash.ts';

const upstash = useUpstash();

describe('scripts', () => {
  const flagged = "#!lua flags=allow-key-locking\nreturn redis.call('SET', KEYS[1], ARGV[1])";
  const sha = createHash('sha1').update(flagged).digest('hex');

  test('run with the key-locking flag', async () => {
    expect(await upstash.redis.eval(flagged, ['k'], ['é'])).toBe('OK');
    expect(await upstash.cloud.redis.get('k')).toBe('é');
  });

  test('are known by the SHA-1 of their own text', async () => {
    await upstash.cloud.redis.script('FLUSH');
    await expect(upstash.redis.evalsha(sha, ['k'], ['v'])).rejects.toThrow('NOSCRIPT No matching script');
    expect(await upstash.redis.scriptLoad(flagged)).toBe(sha);
    expect(await upstash.redis.evalsha(sha, ['k'], ['v'])).toBe('OK');
    expect(await upstash.redis.scriptExists(sha, '0'.repeat(40))).toEqual([1, 0]);
    await upstash.cloud.redis.script('FLUSH');
    await expect(upstash.redis.evalsha(sha.toUpperCase(), ['k'], ['v'])).rejects.toThrow('NOSCRIPT');
    await upstash.redis.eval(flagged, ['k'], ['v']);
    expect(await upstash.redis.evalsha(sha, ['k'], ['v'])).toBe('OK');
  });

  test('keep their other flags and their line numbers', async () => {
    const readOnly = "#!lua flags=allow-key-locking,no-writes\nreturn redis.call('SET', KEYS[1], 'x')";
    await expect(upstash.redis.eval(readOnly, ['k'], [])).rejects.toThrow(
      /[Ww]rite commands are not allowed/,
    );
    const failing = "#!lua flags=allow-key-locking\n\nerror('here')";
    await expect(upstash.redis.eval(failing, [], [])).rejects.toThrow(/user_script:3: here/);
  });

  test('with the flag may use the keys in KEYS only', async () => {
    const script = '#!lua flags=allow-key-locking\nreturn redis.call(unpack(ARGV))';
    expect(await upstash.redis.eval(script, ['a', 'b'], ['mset', 'b', '1', 'a', '2'])).toBe('OK');
    await expect(upstash.redis.eval(script, ['a'], ['mset', 'a', '3', 'b', '4'])).rejects.toThrow(
      'ERR allow-key-locking: the key b is not in KEYS',
    );
    await expect(upstash.redis.eval(script, ['a'], ['FLUSHDB'])).rejects.toThrow('needs the whole database');
    expect(await upstash.cloud.redis.mget('a', 'b')).toEqual(['2', '1']);
    await expect(upstash.redis.eval(script, ['a'], ['hget', 'a', 'f'])).rejects.toThrow('WRONGTYPE');
    const guarded = "#!lua flags=allow-key-locking\nlocal r = redis.pcall('get', 'b') return r.err or r";
    expect(await upstash.redis.eval(guarded, ['a'], [])).toBe(
      'ERR allow-key-locking: the key b is not in KEYS',
    );
    expect(await upstash.redis.eval("return redis.call('get', 'b')", [], [])).toBe('1');
  });

  test('with unknown flags are refused', async () => {
    await expect(upstash.redis.eval('#!lua flags=allow-key-locking,bogus\nreturn 1', [], [])).rejects.toThrow(
      'bogus',
    );
  });

  test('are known inside of transactions', async () => {
    const { json } = await post(upstash.cloud, '/multi-exec', [
      ['script', 'load', flagged],
      ['evalsha', sha, 1, 'k', 'v'],
    ]);
    expect(json).toEqual([{ result: sha }, { result: 'OK' }]);
  });

  test('give numbers, strings, arrays and null', async () => {
    const script = "return {1, 'a', {'b', 2}, false, redis.status_reply('FINE')}";
    expect(await upstash.redis.eval(script, [], [])).toEqual([1, 'a', ['b', 2], null, 'FINE']);
  });
});

describe('scripts and the database of another cloud', () => {
  let neighbour: CloudProxy;
  beforeAll(async () => {
    neighbour = await openCloud({ schema: false });
  });
  beforeEach(async () => {
    await neighbour.redis.flushdb();
    await neighbour.redis.set('k', 'secret');
  });
  afterAll(() => neighbour.stop());

  test.each([
    "redis.call('SELECT', ARGV[1])",
    "redis.pcall('select', ARGV[1])",
    "server.call('SELECT', ARGV[1])",
    "_G.redis.call('SELECT', ARGV[1])",
    'loadstring("redis.call(\'SELECT\', \'" .. ARGV[1] .. "\')")()',
    "redis.call('SWAPDB', ARGV[1], ARGV[2])",
    "redis.call('COPY', 'mine', 'k', 'DB', ARGV[1], 'REPLACE')",
    "redis.call('MOVE', 'mine', ARGV[1])",
    "redis.call('FLUSHALL')",
  ])('%s leaves it alone', async (statement) => {
    await upstash.cloud.redis.mset('k', 'own', 'mine', 'm');
    const numbers = [neighbour, upstash.cloud].map(({ redis }) => String(redis.options.db));
    const script = `${statement} return redis.call('GET', 'k')`;
    const result = await upstash.redis.eval(script, [], numbers).catch(() => 'refused');
    expect(['own', 'refused']).toContain(result);
    expect(await neighbour.redis.get('k')).toBe('secret');
    expect(await neighbour.redis.dbsize()).toBe(1);
    expect(await upstash.cloud.redis.mget('k', 'mine')).toEqual(['own', 'm']);
  });
});
