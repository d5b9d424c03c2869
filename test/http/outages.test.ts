import { describe, expect, test } from 'vitest';
import { START } from '../../src/session/scripts.ts';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { OUTAGES } from '../faults/outages.ts';
import { openSessions } from '../faults/store-state.ts';
import { addUser, eventually, loginRows, logoutRows } from '../support/people.ts';
import { runsScript } from '../support/scripts.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Answer } from '../support/visitor.ts';

// What each route responds during each outage is in test/faults/; here is what its table doesn't ask.

const environment = useTestEnvironment();

const DEADLINE_MS = 5000;

async function signedIn() {
  const user = await addUser(environment.cloud);
  const { visitor } = await seedVisitor(environment, user);
  return { user, visitor, home: await visitor.get('/home/') };
}

async function deliverAll(): Promise<void> {
  await environment.cloud.settled();
  environment.cloud.faults.clear();
  await environment.worker.scheduled();
  await environment.worker.delivered();
}

async function inTime(request: Promise<Answer>): Promise<Answer> {
  const startedAtMs = performance.now();
  const response = await request;
  expect(performance.now() - startedAtMs, response.url).toBeLessThan(DEADLINE_MS);
  return response;
}

function expectUnavailable({ url, status, headers, setCookies }: Answer): void {
  expect({ url, status, setCookies }).toEqual({ url, status: 503, setCookies: [] });
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
}

describe.each(OUTAGES.filter(({ outcome }) => outcome === 'out'))('Redis $name', (outage) => {
  test('no page touches the cookies, and clients that prefer JSON get problems', async () => {
    const { visitor, home } = await signedIn();
    const user = await addUser(environment.cloud);
    const newcomer = environment.worker.visitor();
    const form = await newcomer.get('/sign-in/');
    await outage.begin(environment.cloud, 'redis');
    const accept = { Accept: 'application/json' };
    const [landing, signIn, sessions, problem, unconfirmed] = await Promise.all(
      [
        visitor.get('/'),
        visitor.get('/sign-in/'),
        visitor.get('/sessions/'),
        newcomer.submit(form, { username: user.username, password: user.password }, accept),
        visitor.submit(home, {}, accept),
      ].map(inTime),
    );
    await outage.end(environment.cloud, 'redis');
    for (const page of [landing!, signIn!]) {
      expect(page.status).toBe(200);
      expect(page.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
    }
    expect(landing!.body).not.toContain('re not signed in');
    for (const response of [sessions!, problem!, unconfirmed!]) expectUnavailable(response);
    for (const response of [problem!, unconfirmed!])
      expect(JSON.parse(response.body)).toMatchObject({ status: 503, code: 'store_unavailable' });
    expect(unconfirmed!.body).toContain('session may still be open');
  });
});

test.each<[string, Fault]>([
  ['a broken connection', { kind: 'refuse', times: 1 }],
  ['a lost reply', { kind: 'lose-answer', times: 1 }],
  ['a 500', { kind: 'status', status: 500, times: 1 }],
])('%s is made up for by a retry', async (_, fault) => {
  const { user, visitor, home } = await signedIn();
  // What earlier outages have left to the cron.
  await deliverAll();
  environment.cloud.faults.set('redis', fault);
  expect((await visitor.get('/home/')).status).toBe(200);
  environment.cloud.faults.set('redis', fault);
  expect((await visitor.submit(home)).status).toBe(303);
  environment.cloud.faults.clear();
  expect(await visitor.isSignedIn()).toBe(false);
  // The retry gets the same log-out as the first try: its row doesn't need the cron.
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
  environment.cloud.faults.set('redis', fault);
  await visitor.signIn(user);
  expect(await visitor.isSignedIn()).toBe(true);
  await deliverAll();
  expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
});

describe('a start without a reply leaves no session behind', () => {
  const isStart = (call: CallContent): boolean => runsScript(call, START);

  test.each<[string, Fault]>([
    ['done, the reply lost', { kind: 'lose-answer', match: isStart }],
    // Longer than the Worker's time-out: by then it has abandoned the session.
    ['done later', { kind: 'late', ms: 2500, match: isStart, times: 1 }],
    ['never done', { kind: 'hang', match: isStart }],
  ])('%s', async (_, fault) => {
    const user = await addUser(environment.cloud);
    const visitor = environment.worker.visitor();
    const form = await visitor.get('/sign-in/');
    const { username, password } = user;
    environment.cloud.faults.set('redis', fault);
    expectUnavailable(await inTime(visitor.submit(form, { username, password })));
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    await eventually(async () => {
      expect(await environment.cloud.redis.hlen(`user-sessions:${user.id}`)).toBe(0);
      expect(await openSessions(environment.cloud, user.id)).toEqual([]);
    });
    // The attempt was no failure: it doesn't count.
    await visitor.signIn(user);
  });
});

describe('MySQL out', () => {
  const OUT: Fault = { kind: 'refuse' };

  test('a row has the time and the address of the sign-out, not of its delivery', async () => {
    const { user, visitor, home } = await signedIn();
    environment.cloud.faults.set('mysql', OUT);
    const beforeMs = Date.now();
    expect(await visitor.submit(home)).toMatchObject({ status: 303, location: '/' });
    const afterMs = Date.now();
    await deliverAll();
    const rows = await logoutRows(environment.cloud, user);
    expect(rows).toMatchObject([{ reason: 'logout', ip_address: visitor.ipAddress }]);
    const loggedOutAtMs = Date.parse(`${String(rows[0]?.['logged_out_at']).replace(' ', 'T')}Z`);
    expect(loggedOutAtMs).toBeGreaterThanOrEqual(beforeMs);
    expect(loggedOutAtMs).toBeLessThanOrEqual(afterMs);
  });

  test('as many sign-ins as would be throttled: each gets the form with an alert, and none counts', async () => {
    const user = await addUser(environment.cloud);
    const visitor = environment.worker.visitor();
    const form = await visitor.get('/sign-in/');
    const { username, password } = user;
    environment.cloud.faults.set('mysql', { kind: 'hang' });
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => inTime(visitor.submit(form, { username, password }))),
    );
    for (const response of responses) {
      expect(response.status).toBe(503);
      expect(response.body).toContain('role="alert"');
    }
    environment.cloud.faults.clear();
    // The attempts are released in the background.
    await eventually(async () =>
      expect((await visitor.submit(form, { username, password })).status).toBe(303),
    );
  });

  test('a sign-in whose row cannot be written works, and is recorded later', async () => {
    const user = await addUser(environment.cloud);
    environment.cloud.faults.set('mysql', {
      ...OUT,
      match: (call) => call.store === 'mysql' && /^(?:INSERT|UPDATE)/.test(call.sql),
    });
    await environment.worker.visitor().signIn(user);
    expect((await environment.worker.visitor().trySignIn({ ...user, password: 'wrong' })).status).toBe(401);
    await deliverAll();
    const rows = await loginRows(environment.cloud, user.username);
    expect(rows.map((row) => row['outcome'])).toEqual(['success', 'bad_credentials']);
    const [person] = await environment.cloud.query('SELECT last_login_at FROM users WHERE id = ?', [user.id]);
    expect(person?.['last_login_at']).toBe(rows[0]?.['occurred_at']);
  });

  test('one run of the cron delivers all the sign-outs of an outage, oldest first', async () => {
    const people = await Promise.all(Array.from({ length: 12 }, signedIn));
    await environment.worker.delivered();
    environment.cloud.faults.set('mysql', OUT);
    for (const { visitor, home } of people) expect((await visitor.submit(home)).status).toBe(303);
    await environment.worker.scheduled();
    for (const { user } of people) expect(await logoutRows(environment.cloud, user)).toEqual([]);
    await environment.cloud.settled();
    environment.cloud.faults.clear();
    environment.cloud.calls.length = 0;
    await environment.worker.scheduled();
    for (const { user } of people) expect(await logoutRows(environment.cloud, user)).toHaveLength(1);
    const [sql = ''] = environment.cloud.calls.flatMap((call) => (call.store === 'mysql' ? [call.sql] : []));
    const order = people.map(({ user }) => sql.indexOf(`'${user.username}'`));
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});
