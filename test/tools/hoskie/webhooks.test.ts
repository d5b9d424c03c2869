import { describe, expect, test } from 'vitest';
import {
  queueKey,
  redisWebhookQueue,
  setAsideKey,
  stateKey,
} from '../../../src/activity/redis-webhook-queue.ts';
import { encodeActivity } from '../../../src/activity/activity-encoding.ts';
import { newSigningKey, toKeySet } from '../../../tools/signing-keys.ts';
import { sampleLogin, sampleLogout, sampleReceiver } from '../../fakes/samples.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { everythingIn } from '../../stores/redis-contents.ts';
import { openReceiver, status } from '../../support/event-receiver.ts';
import { addUser } from '../../support/people.ts';
import { useCloud } from '../../support/test-environment.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

const environment = useCloud();
const KEY = newSigningKey();
const CAN_SIGN = { ASSERTION_KEYS: toKeySet([KEY]), PUBLIC_URL: 'https://login.example.org' };
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';

describe('webhooks test', () => {
  const run = (receivers: readonly object[], ...args: string[]) =>
    runCli(null, ['webhooks', 'test', ...args], {
      env: { ...CAN_SIGN, WEBHOOKS: JSON.stringify(receivers) },
    });

  test('pushes a signed verification event to each receiver, without any store', async () => {
    await using first = await openReceiver('first', [KEY]);
    await using second = await openReceiver('second', [KEY]);
    const { exitCode, stdout, stderr } = await run([first.setting, second.setting]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe('pass  first: accepted (202)\npass  second: accepted (202)\n');
    for (const { pushes, name, setting } of [first, second]) {
      expect(pushes).toHaveLength(1);
      expect(pushes[0]).toMatchObject({
        header: { typ: 'secevent+jwt' },
        authorization: `Bearer bearer-of-${name}`,
        claims: {
          iss: CAN_SIGN.PUBLIC_URL,
          aud: new URL(setting.url).origin,
          sub_id: { format: 'opaque', id: name },
          events: { [VERIFICATION]: {} },
        },
      });
    }
  });

  test.each([
    ['401', 'FAIL  a: http_401: is the token right? (retried)\n'],
    ['302', 'FAIL  a: http_302: redirects are not followed (retried)\n'],
    ['400', 'FAIL  a: http_400 (set aside)\n'],
  ])('fails for a receiver that responds %s', async (code, line) => {
    await using receiver = await openReceiver('a', [KEY]);
    receiver.respond = status(Number(code));
    const { exitCode, stdout } = await run([receiver.setting]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: line });
  });

  test('pushes to one alone if it is named', async () => {
    await using first = await openReceiver('first', [KEY]);
    await using second = await openReceiver('second', [KEY]);
    const { stdout } = await run([first.setting, second.setting], 'second', '--json');
    expect(JSON.parse(stdout)).toEqual({
      receivers: [{ name: 'second', jti: second.jtis()[0], status: 'accepted' }],
    });
    expect(first.pushes).toEqual([]);
    expectFailure(await run([first.setting], 'third'), 3, 'WEBHOOKS has no receiver third.');
  });

  test('needs the receivers, and repeats no secret', async () => {
    const none = await runCli(null, ['webhooks', 'test'], { env: CAN_SIGN });
    expectFailure(none, 2, 'WEBHOOKS: not set in the environment.');
    const wrong = await run([{ name: 'a', url: 'http://a.example/', token: 'a-secret-word' }]);
    expectFailure(wrong, 2, 'WEBHOOKS: malformed in the environment.');
    expect(wrong.stderr + wrong.stdout).not.toContain('secret-word');
  });
});

describe('webhooks status', () => {
  const queue = () => openCloudStores(environment.cloud).webhooks.queue;
  const put = (receiver: string, atMs: number) =>
    environment.cloud.redis.xadd(
      `webhook:${receiver}`,
      `${atMs}-0`,
      'event',
      encodeActivity(sampleLogout(atMs)),
    );

  test('says so if there are none', async () => {
    const { exitCode, stdout } = await runCli(environment.cloud, ['webhooks', 'status']);
    expect(exitCode).toBe(0);
    expect(stdout).toBe('No Worker with receivers has run its cron in the last hour.\n');
    expect(await runJson(environment.cloud, ['webhooks', 'status'])).toEqual({ receivers: [] });
  });

  test('shows what each receiver has not accepted, and how it is', async () => {
    const nowMs = Date.now();
    await put('down', nowMs - 60_000);
    await put('down', nowMs - 50_000);
    await queue().tidy([sampleReceiver({ name: 'up' }), sampleReceiver({ name: 'down' })], nowMs);
    await queue().accept('up', [], nowMs);
    await queue().fail('down', { reason: 'timeout', count: 10 }, nowMs);
    const good = {
      ...{ name: 'up', events: ['end'], pending: 0, oldest_at: null, set_aside: 0, dropped: 0, failures: 0 },
      ...{ backing_off_until: null, last_success_at: new Date(nowMs).toISOString() },
      ...{ last_error_at: null, last_error: null },
    };
    expect(await runJson(environment.cloud, ['webhooks', 'status'])).toEqual({
      receivers: [
        {
          ...{ name: 'down', events: ['end'], pending: 2, set_aside: 0, dropped: 0, failures: 10 },
          oldest_at: new Date(nowMs - 60_000).toISOString(),
          backing_off_until: new Date(nowMs + 60_000).toISOString(),
          ...{ last_success_at: null, last_error: 'timeout' },
          last_error_at: new Date(nowMs).toISOString(),
        },
        good,
      ],
    });
    const { stdout } = await runCli(environment.cloud, ['webhooks', 'status']);
    expect(stdout).toMatch(/^down +end +2 .* timeout$/m);
  });

  test('exits with 1 if an event was set aside', async () => {
    await queue().tidy([sampleReceiver({ name: 'a' })], Date.now());
    await put('a', 5);
    await queue().setAside('a', '5-0', 'invalid_key', Date.now());
    const status = await runJson(environment.cloud, ['webhooks', 'status'], { exitCode: 1 });
    expect(status).toMatchObject({ receivers: [{ set_aside: 1, last_error: 'invalid_key' }] });
    const { stdout } = await runCli(environment.cloud, ['webhooks', 'status']);
    expect(stdout).toContain('hoskie webhooks retry a:');
    expect(stdout).toContain('hoskie webhooks clear a --yes:');
  });
});

describe('what was set aside', () => {
  const setAside = async (count: number) => {
    const { redis } = environment.cloud;
    await openCloudStores(environment.cloud).webhooks.queue.tidy([sampleReceiver({ name: 'a' })], Date.now());
    const events = Array.from({ length: count }, (_, i) => encodeActivity(sampleLogout(i)));
    const pipeline = redis.pipeline();
    for (const event of events) pipeline.xadd(setAsideKey('a'), '*', 'event', event, 'reason', 'invalid_key');
    await pipeline.exec();
    return events;
  };
  const asideCount = () => environment.cloud.redis.xlen(setAsideKey('a'));

  test('gets back into the queue in steps, in order, as if it were new', async () => {
    const { redis } = environment.cloud;
    const events = await setAside(501);
    const startedAtMs = Date.now();
    expect(await runJson(environment.cloud, ['webhooks', 'retry', 'a'])).toEqual({ moved: events.length });
    const entries = await redis.xrange(queueKey('a'), '-', '+');
    expect(entries.map(([, fields]) => fields)).toEqual(events.map((event) => ['event', event]));
    expect(Number.parseInt(entries[0]![0], 10)).toBeGreaterThanOrEqual(startedAtMs - 1000);
    expect(await asideCount()).toBe(0);
    expect(await runJson(environment.cloud, ['webhooks', 'retry', 'a'])).toEqual({ moved: 0 });
    await runJson(environment.cloud, ['webhooks', 'status']);
  });

  test('is deleted only if that is what the operator says', async () => {
    await setAside(3);
    await environment.cloud.redis.hset(stateKey('a'), 'dropped', 7, 'dropped_logged', 7);
    const unsure = await runCli(environment.cloud, ['webhooks', 'clear', 'a']);
    expectFailure(unsure, 2, '3 events would be deleted. Add --yes to do so.');
    expect(await asideCount()).toBe(3);
    expect(await runJson(environment.cloud, ['webhooks', 'clear', 'a', '--yes'])).toEqual({ deleted: 3 });
    expect(await runJson(environment.cloud, ['webhooks', 'status'])).toMatchObject({
      receivers: [{ set_aside: 0, dropped: 0 }],
    });
  });

  test.each([['retry'], ['clear', '--yes']])('%s needs a receiver that a Worker has', async (...args) => {
    const result = await runCli(environment.cloud, ['webhooks', args[0], 'b', ...args.slice(1)]);
    expectFailure(result, 3, 'No Worker has had a receiver b in the last hour.');
  });
});

test('user delete --erase also erases from the queues of receivers', async () => {
  const { cloud } = environment;
  const user = await addUser(cloud, { username: 'erica-to-erase' });
  const { redis, webhooks } = openCloudStores(cloud);
  await redisWebhookQueue(redis).tidy([sampleReceiver({ name: 'a' })], Date.now());
  const client = { ipAddress: '203.0.113.99', userAgent: 'the-agent-to-erase', country: 'DE' };
  const common = { userId: user.id as never, username: user.username, client };
  for (const event of [sampleLogin(5, common), sampleLogout(6, common)])
    await cloud.redis.xadd('webhook:a', '*', 'event', encodeActivity(event));
  const [[aside] = ['']] = await cloud.redis.xrange('webhook:a', '-', '+', 'COUNT', 1);
  await webhooks.queue.setAside('a', aside, 'invalid_key', 6);
  await runJson(cloud, ['user', 'delete', user.username, '--erase']);
  const left = await everythingIn(cloud.redis);
  for (const text of ['erica-to-erase', '203.0.113.99', 'the-agent-to-erase'])
    expect(left).not.toContain(text);
  expect(await cloud.redis.xlen('webhook:a')).toBe(1);
  expect(await cloud.redis.xlen('webhook:a:set-aside')).toBe(1);
});
