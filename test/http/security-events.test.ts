import { describe, expect, test } from 'vitest';
import { START } from '../../src/session/scripts.ts';
import { addUser, eventually, loginRows, logoutRows, PASSWORD } from '../support/people.ts';
import { runsScript } from '../support/scripts.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Visitor } from '../support/visitor.ts';

// The names are from OWASP's Application Logging Vocabulary Cheat Sheet.

const environment = useTestEnvironment();

type Entry = Record<string, unknown>;

/** What was logged with this visitor's address, which no other visitor has. Waits until it is there. */
function eventsOf({ ipAddress }: Visitor, name: string, count = 1): Promise<Entry[]> {
  return eventually(() => {
    const entries = environment.worker.logs
      .map((line) => JSON.parse(line) as Entry)
      .filter((entry) => entry['event'] === name && entry['ip_address'] === ipAddress);
    expect(entries).toHaveLength(count);
    return entries;
  });
}

describe('signing in', () => {
  test('successfully is authn_login_success, with the id of its row', async () => {
    const user = await addUser(environment.cloud);
    const visitor = environment.worker.visitor();
    const response = await visitor.signIn(user);
    const [entry] = await eventsOf(visitor, 'authn_login_success');
    await environment.worker.delivered();
    const [row] = await loginRows(environment.cloud, user.username);
    expect(entry).toEqual({
      event: 'authn_login_success',
      request_id: response.headers.get('X-Request-Id'),
      activity_id: row?.['id'],
      user_id: user.id,
      session_id: row?.['session_id'],
      reason: 'success',
      ip_address: visitor.ipAddress,
    });
  });

  test('is logged even if the first reply of Redis is lost', async () => {
    const user = await addUser(environment.cloud);
    const visitor = environment.worker.visitor();
    environment.cloud.faults.set('redis', {
      kind: 'lose-answer',
      times: 1,
      match: (call) => runsScript(call, START),
    });
    await visitor.signIn(user);
    expect(await eventsOf(visitor, 'authn_login_success')).toMatchObject([{ user_id: user.id }]);
    // The event's id in the outbox is lost: the cron writes its row.
    await environment.worker.scheduled();
    expect(await loginRows(environment.cloud, user.username)).toHaveLength(1);
  });

  test.each([
    ['a wrong password', { password: 'wrong' }, 'bad_credentials', true],
    ['an unknown name', { username: 'unknown-name' }, 'bad_credentials', false],
    ['a disabled user', {}, 'inactive', true],
  ])('with %s is authn_login_fail, without a name', async (_what, credentials, reason, isKnown) => {
    const user = await addUser(environment.cloud, { isActive: reason !== 'inactive' });
    const visitor = environment.worker.visitor();
    expect((await visitor.trySignIn({ ...user, ...credentials })).status).toBe(401);
    const [entry] = await eventsOf(visitor, 'authn_login_fail');
    expect(entry).toMatchObject({ reason, user_id: isKnown ? user.id : null, session_id: null });
    expect(environment.worker.logs.filter((line) => line.includes(user.username))).toEqual([]);
    expect(environment.worker.logs.filter((line) => line.includes('unknown-name'))).toEqual([]);
    expect(environment.worker.logs.filter((line) => line.includes('authn_login_success'))).not.toContainEqual(
      expect.stringContaining(visitor.ipAddress),
    );
  });

  test('too often is authn_login_fail_max once, and excess_rate_limit_exceeded each time', async () => {
    const user = await addUser(environment.cloud, { passwordHash: 'unknown$format' });
    const visitor = environment.worker.visitor();
    for (let i = 0; i < 10; i += 1) expect((await visitor.trySignIn(user)).status).toBe(401);
    for (let i = 0; i < 2; i += 1) expect((await visitor.trySignIn(user)).status).toBe(429);
    const [max] = await eventsOf(visitor, 'authn_login_fail_max');
    expect(max).toMatchObject({ user_id: user.id, reason: 'throttled' });
    const [excess] = await eventsOf(visitor, 'excess_rate_limit_exceeded', 2);
    expect(excess).toMatchObject({ route: '/sign-in/', reason: 'throttled' });
  });
});

describe('an ended session', () => {
  test('is one session_expired each, with the reason and the id of its row', async () => {
    const user = await addUser(environment.cloud);
    const { visitor } = await seedVisitor(environment, user);
    await seedVisitor(environment, user);
    const page = await visitor.get('/sessions/');
    await visitor.post('/sessions/revoke/', {
      csrfmiddlewaretoken: page.csrfToken ?? '',
      scope: 'all',
    });
    const entries = await eventsOf(visitor, 'session_expired', 2);
    await environment.worker.delivered();
    const rows = await logoutRows(environment.cloud, user);
    expect(new Set(entries.map((entry) => entry['activity_id']))).toEqual(new Set(rows.map(({ id }) => id)));
    expect(new Set(entries.map((entry) => entry['session_id']))).toEqual(
      new Set(rows.map((row) => row['session_id'])),
    );
    for (const entry of entries) expect(entry).toMatchObject({ user_id: user.id, reason: 'logout_all' });
  });

  test('that is used again is session_use_after_expire', async () => {
    const user = await addUser(environment.cloud);
    const { visitor, token, session } = await seedVisitor(environment, user);
    await visitor.logOut();
    const thief = environment.worker.visitor();
    await thief.setCookie(`sessionid=${token}; Path=/; Secure`);
    expect(await thief.isSignedIn()).toBe(false);
    const [entry] = await eventsOf(thief, 'session_use_after_expire');
    expect(entry).toMatchObject({
      user_id: user.id,
      session_id: session.id,
      reason: 'logout',
      ended_by_ip_address: visitor.ipAddress,
    });
  });
});

describe('a password change', () => {
  test('is logged with its user and session, whether it works or not', async () => {
    const user = await addUser(environment.cloud);
    const { visitor, session } = await seedVisitor(environment, user);
    const change = async (currentPassword: string) =>
      visitor.submit(await visitor.get('/account/password/'), {
        current_password: currentPassword,
        new_password: 'eine ganz neue Losung',
        confirm_password: 'eine ganz neue Losung',
      });
    expect((await change('wrong')).status).toBe(401);
    const about = { user_id: user.id, session_id: session.id };
    expect(await eventsOf(visitor, 'authn_password_change_fail')).toMatchObject([about]);
    await eventsOf(visitor, 'authn_password_change', 0);
    expect((await change(PASSWORD)).status).toBe(303);
    expect(await eventsOf(visitor, 'authn_password_change')).toMatchObject([about]);
  });
});

describe('a refused request', () => {
  test.each([
    ['from another site', { Origin: 'https://evil.example' }, {}, 'malicious_cors', 'foreign_origin'],
    ['without a CSRF token', {}, { csrfmiddlewaretoken: '' }, 'authz_fail', 'csrf_failed'],
    ['without a password', {}, { password: '' }, 'input_validation_fail', 'invalid_fields'],
  ])('%s has an event of its own', async (_what, headers, fields, name, reason) => {
    const visitor = environment.worker.visitor();
    const page = await visitor.get('/sign-in/');
    await visitor.submit(page, { username: 'ann', password: 'x', ...fields }, headers);
    expect(await eventsOf(visitor, name)).toMatchObject([{ route: '/sign-in/', reason }]);
  });

  test('no event for a good request', async () => {
    const user = await addUser(environment.cloud);
    const { visitor } = await seedVisitor(environment, user);
    expect(await visitor.isSignedIn()).toBe(true);
    await visitor.logOut();
    await eventsOf(visitor, 'session_expired');
    const seen = environment.worker.logs.filter((line) => line.includes(`"${visitor.ipAddress}"`));
    expect(seen).toHaveLength(1);
  });
});
