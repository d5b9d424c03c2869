import { describe, expect, test } from 'vitest';
import { openCloud } from '../../support/cloud.ts';
import { post, useUpstash } from './use-upstash.ts';

const upstash = useUpstash();
const BASE64 = { 'upstash-encoding': 'base64' };

describe('on the wire', () => {
  test('strings are base64 of the raw bytes where asked for', async () => {
    await upstash.cloud.redis.set('k', Buffer.from([0xff, 0xfe, 0x00]));
    expect((await post(upstash.cloud, '/', ['GET', 'k'], BASE64)).json).toEqual({ result: '//4A' });
    expect((await post(upstash.cloud, '/', ['PING'], BASE64)).json).toEqual({ result: 'UE9ORw==' });
    const script = "return {1, 'a', {'b', 2}, false, redis.status_reply('OK')}";
    expect((await post(upstash.cloud, '/', ['EVAL', script, 0], BASE64)).json).toEqual({
      result: [1, 'YQ==', ['Yg==', 2], null, 'T0s='],
    });
  });

  test('a bare OK, integers, null and error texts are not encoded', async () => {
    const { json } = await post(
      upstash.cloud,
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
    expect((await post(upstash.cloud, '/', ['HGETALL', 'none'])).json).toEqual({ result: [] });
    expect((await post(upstash.cloud, '/', ['HGETALL', 'none'], BASE64)).json).toEqual({ result: [] });
  });

  test('numbers arrive with the digits they were sent with', async () => {
    await post(upstash.cloud, '/', '["set","k",9007199254740993]');
    expect(await upstash.cloud.redis.get('k')).toBe('9007199254740993');
  });

  test('an error inside of EXEC stays at its place', async () => {
    const { status, json } = await post(upstash.cloud, '/multi-exec', [
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
  ])('%s %j gets 400', async (path, body, error) => {
    expect(await post(upstash.cloud, path, body)).toMatchObject({ status: 400, json: { error } });
  });

  test.each(['subscribe', 'MONITOR', 'blpop', 'select', 'watch', 'config'])('%s is refused', async (name) => {
    const error = `ERR Command is not available: '${name}'`;
    expect(await post(upstash.cloud, '/', [name, 'x', '1'])).toMatchObject({ status: 400, json: { error } });
    expect((await post(upstash.cloud, '/', ['PING'])).json).toEqual({ result: 'PONG' });
  });

  test.each([
    ['script', 'debug', 'yes'],
    ['SCRIPT', 'Kill'],
    ['function', 'list'],
    ['copy', 'a', 'b', 'DB', '1'],
    ['xread', 'count', '1', 'block', '1', 'streams', 's', '0'],
    ['xreadgroup', 'block', '1', 'group', 'g', 'c', 'streams', 's', '>'],
    ['XREADGROUP', 'group', 'g', 'c', 'BLOCK', '1', 'streams', 's', '>'],
  ])('%s %s is refused', async (...command) => {
    const error = `ERR Command is not available: '${command[0]}'`;
    expect(await post(upstash.cloud, '/', command)).toMatchObject({ status: 400, json: { error } });
  });

  test('a stream, a group and a consumer may be called block', async () => {
    await upstash.redis.xadd('block', '1-1', { f: 'v' });
    const reply = { result: [['block', [['1-1', ['f', 'v']]]]] };
    const read = ['xread', 'count', 1, 'streams', 'block', '0'];
    expect((await post(upstash.cloud, '/', read)).json).toEqual(reply);
    await upstash.redis.xgroup('block', { type: 'CREATE', group: 'block', id: '0' });
    const readAsGroup = ['xreadgroup', 'group', 'block', 'block', 'streams', 'block', '>'];
    expect((await post(upstash.cloud, '/', readAsGroup)).json).toEqual(reply);
  });

  test.each([[null], [{ a: 1 }], [['nested']]])(
    'the argument %j fails its own command alone',
    async (arg) => {
      const commands = [
        ['set', 'k', 'v'],
        ['set', 'k', arg],
        ['get', 'k'],
      ];
      expect((await post(upstash.cloud, '/pipeline', commands)).json).toEqual([
        { result: 'OK' },
        { error: 'ERR failed to parse command' },
        { result: 'v' },
      ]);
      expect(upstash.cloud.calls).toMatchObject([{ commands: [commands[0], commands[2]], status: 200 }]);
      await upstash.cloud.redis.flushdb();
      expect(await post(upstash.cloud, '/multi-exec', commands)).toMatchObject({
        status: 400,
        json: { error: 'EXECABORT Transaction discarded because of previous errors.' },
      });
      expect(await upstash.cloud.redis.exists('k')).toBe(0);
    },
  );

  test('flushall empties this database only', async () => {
    const neighbour = await openCloud({ schema: false });
    await neighbour.redis.set('k', 'v');
    await upstash.cloud.redis.set('k', 'v');
    await upstash.redis.flushall();
    expect(await neighbour.redis.get('k')).toBe('v');
    expect(await upstash.cloud.redis.get('k')).toBeNull();
    await neighbour.stop();
  });

  test('a wrong or missing token gets 401, and nothing is done', async () => {
    for (const authorization of ['Bearer wrong', '', upstash.cloud.env.UPSTASH_REDIS_REST_TOKEN]) {
      const { status, json } = await post(upstash.cloud, '/', ['set', 'k', 'v'], { authorization });
      expect(status).toBe(401);
      expect(json).toEqual({ error: 'WRONGPASS invalid or missing auth token' });
    }
    expect(await upstash.cloud.redis.exists('k')).toBe(0);
  });

  test('other methods get 405, other paths 404', async () => {
    const headers = { authorization: `Bearer ${upstash.cloud.env.UPSTASH_REDIS_REST_TOKEN}` };
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect((await fetch(upstash.cloud.env.UPSTASH_REDIS_REST_URL, { method, headers })).status).toBe(405);
    }
    expect((await post(upstash.cloud, '/elsewhere', [['ping']])).status).toBe(404);
  });

  test('the sync token changes with each successful command', async () => {
    const tokens = new Set<string | null>();
    for (const path of ['/', '/pipeline', '/multi-exec']) {
      const { headers } = await post(upstash.cloud, path, path === '/' ? ['ping'] : [['ping']]);
      tokens.add(headers.get('upstash-sync-token'));
    }
    expect(tokens.size).toBe(3);
    expect(tokens).not.toContain(null);
    expect((await post(upstash.cloud, '/', ['nope'])).headers.get('upstash-sync-token')).toBeNull();
  });
});
