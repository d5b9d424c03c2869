import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { addUser, eventually, loginRows, logoutRows, type TestUser } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { SECRET_KEY } from '../support/worker.ts';
import { START } from '../../src/session/scripts.ts';
import { runsScript } from '../support/scripts.ts';
import { isScriptOn, openSessions } from './store-state.ts';

const environment = useTestEnvironment();

/** Longer than the Worker waits: the start arrives when the session has already been abandoned. */
const LATE_MS = 2500;

const isStart = (call: CallContent): boolean => runsScript(call, START);
const isReserve = (call: CallContent): boolean => isScriptOn(call, 'throttle:attempt:', "'counted', 'EX'");

const LOSSES: [string, Fault][] = [
  ['each reply is lost', { kind: 'lose-answer', match: isStart }],
  ['the first try is carried out later', { kind: 'late', ms: LATE_MS, match: isStart, times: 1 }],
  ['each try is carried out later', { kind: 'late', ms: LATE_MS, match: isStart }],
  ['the connection breaks first', { kind: 'refuse', match: isStart }],
];

const signInByApi = ({ username, password }: TestUser) =>
  environment.worker.visitor().request('/api/v1/sessions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });

async function expectNothingOpen(user: TestUser): Promise<void> {
  environment.cloud.faults.clear();
  await environment.cloud.settled();
  await eventually(async () => expect(await openSessions(environment.cloud, user.id)).toEqual([]));
  // Nor does anything that arrives after that start one.
  await environment.cloud.settled();
  expect(await openSessions(environment.cloud, user.id)).toEqual([]);
}

describe.each(LOSSES)('a start of a session, %s', (_, fault) => {
  test('by an app: 503, no session without a client, and each recorded sign-in has its end', async () => {
    const user = await addUser(environment.cloud);
    environment.cloud.faults.set('redis', fault);
    const refused = await signInByApi(user);
    expect(refused.status, refused.body).toBe(503);
    expect(refused.body).not.toContain('"token"');
    await expectNothingOpen(user);
    const retry = await signInByApi(user);
    expect(retry.status).toBe(201);
    await environment.worker.scheduled();
    await environment.worker.delivered();
    expect(await openSessions(environment.cloud, user.id)).toHaveLength(1);
    const ended = await logoutRows(environment.cloud, user);
    expect(ended.filter(({ reason }) => reason !== 'abandoned')).toEqual([]);
    const began = (await loginRows(environment.cloud, user.username)).filter(
      ({ outcome }) => outcome === 'success',
    );
    expect(began).toHaveLength(ended.length + 1);
  });

  test('by a browser with a session: it is replaced once, with one row', async () => {
    const user = await addUser(environment.cloud);
    const { visitor, session, token } = await seedVisitor(environment, user);
    const csrf = { 'X-CSRFToken': await visitor.cookie('csrftoken') };
    const { username, password } = user;
    environment.cloud.faults.set('redis', fault);
    const refused = await visitor.post('/sign-in/', { username, password }, csrf);
    expect(refused.status, refused.body).toBe(503);
    expect(await visitor.cookie('sessionid')).toBe(token);
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    await eventually(async () => {
      const others = (await openSessions(environment.cloud, user.id)).filter((id) => id !== session.id);
      expect(others).toEqual([]);
    });
    // The form on the 503 page works.
    expect((await visitor.submit(refused, { username, password })).status).toBe(303);
    expect(await visitor.isSignedIn()).toBe(true);
    await environment.worker.scheduled();
    await environment.worker.delivered();
    const rows = await logoutRows(environment.cloud, user);
    const ended = rows.map((row) => [row['session_id'], row['reason']]);
    // What the lost start began was abandoned.
    expect(ended.filter(([, reason]) => reason !== 'abandoned')).toEqual([[session.id, 'replaced']]);
  });
});

test('a start whose first reply is lost makes one session and one login', async () => {
  const user = await addUser(environment.cloud);
  environment.cloud.faults.set('redis', { kind: 'lose-answer', match: isStart, times: 1 });
  expect((await signInByApi(user)).status).toBe(201);
  await environment.worker.scheduled();
  await environment.worker.delivered();
  expect(await openSessions(environment.cloud, user.id)).toHaveLength(1);
  expect(await loginRows(environment.cloud, user.username)).toMatchObject([{ outcome: 'success' }]);
});

describe('a reserved attempt', () => {
  const failures = async (user: TestUser): Promise<(string | null)[]> => {
    const account = createHmac('sha256', SECRET_KEY).update(`throttle\n${user.username}`).digest('base64url');
    const keys = await environment.cloud.redis.keys(`throttle:account*:${account}*`);
    return Promise.all(keys.map((key) => environment.cloud.redis.hget(key, 'failures')));
  };

  test.each<[string, Fault]>([
    ['that arrives late', { kind: 'late', ms: LATE_MS, match: isReserve }],
    ['of which each reply is lost', { kind: 'lose-answer', match: isReserve }],
  ])('%s is not counted', async (_, fault) => {
    const user = await addUser(environment.cloud);
    environment.cloud.faults.set('redis', fault);
    // One more than the limit per account and network.
    const visitor = environment.worker.visitor();
    const page = await visitor.get('/sign-in/');
    const { username } = user;
    const responses = await Promise.all(
      Array.from({ length: 11 }, () => visitor.submit(page, { username, password: 'not this one' })),
    );
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 503));
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    await eventually(async () => {
      expect((await failures(user)).filter((count) => count !== null && count !== '0')).toEqual([]);
    });
    expect((await visitor.submit(page, { username, password: user.password })).status).toBe(303);
  });
});
