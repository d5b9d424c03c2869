import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { queueKey, setAsideKey, stateKey } from '../../src/activity/redis-webhook-queue.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { everythingIn } from '../stores/redis-contents.ts';
import { openReceiver, status, type TestReceiver } from '../support/event-receiver.ts';
import { addUser, eventually, loginRows, logoutRows } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useCloud } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker, type TestWorker } from '../support/worker.ts';
import { runJson } from '../tools/hoskie/run-cli.ts';

const environment = useCloud();
const KEY = newSigningKey();
const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

let cloud: CloudProxy;
let first: TestReceiver;
let second: TestReceiver;
let worker: TestWorker;
const opened: AsyncDisposable[] = [];

/** The Worker with these receivers. */
async function open(...receivers: TestReceiver[]): Promise<TestWorker> {
  const WEBHOOKS = JSON.stringify(receivers.map(({ setting }) => setting));
  const bindings = { WEBHOOKS, ASSERTION_KEYS: toKeySet([KEY]), PUBLIC_URL: ORIGIN };
  worker = await openWorker({ cloud, bindings });
  opened.push(worker, ...receivers);
  return worker;
}

async function signedIn() {
  const user = await addUser(cloud);
  return { user, ...(await seedVisitor({ cloud, worker }, user)) };
}

/** Events that a receiver hasn't accepted. */
const pending = (receiver: TestReceiver) => cloud.redis.xlen(queueKey(receiver.name));

/** Moves what is in a queue into the past, so that the cron takes it. */
async function age(receiver: TestReceiver, ms = 60_000): Promise<void> {
  const key = queueKey(receiver.name);
  const entries = await cloud.redis.xrange(key, '-', '+');
  await cloud.redis.del(key);
  for (const [id, fields] of entries) {
    const [atMs = '', sequence = ''] = id.split('-');
    await cloud.redis.xadd(key, `${Number(atMs) - ms}-${sequence}`, ...fields);
  }
}

beforeEach(async () => {
  cloud = environment.cloud;
  first = await openReceiver('first', [KEY]);
  second = await openReceiver('second', [KEY]);
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

describe('after a sign-out', () => {
  test('each receiver gets a signed event about the row, right after the response', async () => {
    await open(first, second);
    const { user, visitor, session } = await signedIn();
    await visitor.logOut();
    for (const { pushes, name, setting } of [first, second]) {
      await eventually(() => expect(pushes).toHaveLength(1));
      const [row] = await eventually(async () => {
        const rows = await logoutRows(cloud, user);
        expect(rows).toHaveLength(1);
        return rows;
      });
      expect(pushes[0]).toMatchObject({
        header: { alg: 'ES256', typ: 'secevent+jwt', kid: KEY.kid },
        authorization: `Bearer bearer-of-${name}`,
        claims: {
          iss: ORIGIN,
          aud: new URL(setting.url).origin,
          jti: row?.['id'],
          sub_id: {
            format: 'complex',
            user: { format: 'iss_sub', iss: ORIGIN, sub: user.id },
            session: { format: 'opaque', id: session.id },
          },
          events: {
            [REVOKED]: {
              initiating_entity: 'user',
              reason: 'logout',
              username: user.username,
              ip_address: visitor.ipAddress,
            },
          },
        },
      });
      const { toe, exp, sub, events } = pushes[0]!.claims;
      expect({ exp, sub }).toEqual({});
      const { occurred_at: at } = (events as Record<string, { occurred_at: string }>)[REVOKED]!;
      expect(Math.floor(Date.parse(at) / 1000)).toBe(toe);
    }
    await eventually(async () => expect([await pending(first), await pending(second)]).toEqual([0, 0]));
    await worker.scheduled();
    expect([first.pushes, second.pushes].map((pushes) => pushes.length)).toEqual([1, 1]);
  });

  test('a receiver that hangs delays neither the response, nor the row, nor the other receiver', async () => {
    await open(first, second);
    first.respond = () => undefined;
    const { user, visitor } = await signedIn();
    const startedAtMs = Date.now();
    await visitor.logOut();
    await eventually(() => expect(second.pushes).toHaveLength(1));
    await eventually(async () => expect(await logoutRows(cloud, user)).toHaveLength(1));
    expect(Date.now() - startedAtMs).toBeLessThan(4000);
    await eventually(async () => expect(await pending(second)).toBe(0));
    expect(await pending(first)).toBe(1);
  });

  test('an event that failed is pushed again by the cron', async () => {
    await open(first);
    first.respond = status(503);
    await (await signedIn()).visitor.logOut();
    await eventually(async () => expect(await cloud.redis.hget(stateKey('first'), 'error')).toBe('http_503'));
    first.respond = status(202);
    await worker.scheduled();
    // So soon it is the request's own.
    expect(first.pushes).toHaveLength(1);
    await age(first);
    await worker.scheduled();
    expect(first.pushes).toHaveLength(2);
    expect(first.jtis()).toHaveLength(1);
    expect(await pending(first)).toBe(0);
  });

  test('an event that got 400 is set aside and reported', async () => {
    await open(first);
    first.respond = (response) =>
      response.writeHead(400).end('{"err":"invalid_issuer","description":"secret"}');
    await (await signedIn()).visitor.logOut();
    await eventually(async () => expect(await cloud.redis.xlen(setAsideKey('first'))).toBe(1));
    await age(first);
    await worker.scheduled();
    expect(first.pushes).toHaveLength(1);
    const line = worker.logs.find((text) => text.includes('webhook_set_aside')) ?? '';
    expect(JSON.parse(line)).toEqual({
      event: 'webhook_set_aside',
      receiver: 'first',
      activity_id: first.jtis()[0],
      reason: 'invalid_issuer',
    });
  });

  test('with MySQL out the event is pushed all the same', async () => {
    await open(first);
    const { visitor } = await signedIn();
    cloud.faults.set('mysql', { kind: 'refuse' });
    await visitor.logOut();
    await eventually(() => expect(first.pushes).toHaveLength(1));
  });
});

test('signing out everywhere pushes an event for each session', async () => {
  await open(first);
  const { user } = await signedIn();
  for (let i = 0; i < 3; i += 1) await seedSession(cloud, user);
  const { token } = await seedSession(cloud, user, { kind: 'bearer' });
  const headers = { Authorization: `Bearer ${token}` };
  await worker.fetch(`${ORIGIN}/api/v1/sessions?scope=all`, { method: 'DELETE', headers });
  await eventually(() => expect(first.jtis()).toHaveLength(5));
  await worker.delivered();
  expect((await logoutRows(cloud, user)).map(({ id }) => id).sort()).toEqual(first.jtis().sort());
});

test('sign-ins and failed ones are pushed to those who ask for them', async () => {
  const starts = await openReceiver('starts', [KEY], ['start']);
  const failures = await openReceiver('failures', [KEY], ['failure']);
  await open(first, starts, failures);
  const user = await addUser(cloud);
  const visitor = worker.visitor();
  await visitor.trySignIn({ ...user, password: 'a wrong password' });
  await visitor.signIn(user);
  await visitor.logOut();
  await eventually(() => {
    for (const { pushes } of [first, starts, failures]) expect(pushes).toHaveLength(1);
  });
  await worker.delivered();
  const [failed, login] = await loginRows(cloud, user.username);
  expect(failures.pushes[0]?.claims).toMatchObject({
    jti: failed?.['id'],
    events: { 'urn:cloud-hoskie:event:sign-in-failed': { outcome: 'bad_credentials' } },
  });
  expect(starts.pushes[0]?.claims).toMatchObject({
    jti: login?.['id'],
    events: { 'urn:cloud-hoskie:event:sign-in': { outcome: 'success', username: user.username } },
  });
  expect(first.pushes[0]?.claims).toMatchObject({ events: { [REVOKED]: { reason: 'logout' } } });
});

test('what the operator’s tool ends is pushed by the cron, to the receivers that the Worker has', async () => {
  await open(first);
  const { session } = await signedIn();
  await worker.scheduled();
  await runJson(cloud, ['session', 'end', session.id]);
  expect(await pending(first)).toBe(1);
  await age(first);
  await worker.scheduled();
  expect(first.pushes[0]?.claims).toMatchObject({
    events: { [REVOKED]: { initiating_entity: 'admin', reason: 'admin' } },
  });
});

test('neither Redis nor the log has a receiver’s token or address, nor the key', async () => {
  await open(first, second);
  first.respond = status(400);
  second.respond = status(500);
  await (await signedIn()).visitor.logOut();
  await eventually(async () => {
    expect(await cloud.redis.xlen(setAsideKey('first'))).toBe(1);
    expect(await cloud.redis.hget(stateKey('second'), 'error')).toBe('http_500');
  });
  await worker.scheduled();
  const everything = (await everythingIn(cloud.redis)) + worker.logs.join('\n');
  const secrets = [first, second].flatMap(({ setting: { url, token } }) => [new URL(url).host, token]);
  for (const secret of [...secrets, KEY.d]) expect(everything).not.toContain(secret);
});

test('the queue of a receiver that was removed goes with it', async () => {
  await open(first, second);
  first.respond = status(500);
  await (await signedIn()).visitor.logOut();
  await eventually(async () => expect(await pending(first)).toBe(1));
  await worker.scheduled();
  await open(second);
  await cloud.redis.hset('webhooks:receivers', 'first', JSON.stringify({ events: ['end'], at: 0 }));
  await worker.scheduled();
  expect(await cloud.redis.keys('webhook:first*')).toEqual([]);
  expect(worker.logs.join('\n')).toContain(
    '{"event":"webhook_dropped","receiver":"first","count":1,"reason":"not_configured"}',
  );
});
