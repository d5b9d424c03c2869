import { describe, expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/password.ts';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { addUser, eventually, logoutRows, PASSWORD, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Answer } from '../support/visitor.ts';
import { RENEW } from '../../src/session/scripts.ts';
import { runsScript } from '../support/scripts.ts';
import { RESPONSE_DEADLINE_MS } from './fault-table.ts';
import { openSessions } from './store-state.ts';

const environment = useTestEnvironment();

const NEW_PASSWORD = 'a wholly different phrase';
const LATE_MS = 2500;

const isRenewal = (call: CallContent): boolean => runsScript(call, RENEW);
const isNewHash = (call: CallContent): boolean =>
  call.store === 'mysql' && call.sql.startsWith('UPDATE users SET password_hash');

async function setUp() {
  const user = await addUser(environment.cloud);
  const browser = await seedVisitor(environment, user);
  const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const change = async (current = PASSWORD): Promise<Answer> =>
    browser.visitor.post(
      '/account/password/',
      { current_password: current, new_password: NEW_PASSWORD },
      { 'X-CSRFToken': await browser.visitor.cookie('csrftoken') },
    );
  return { user, browser, app, change };
}

async function isPassword(user: TestUser, password: string): Promise<boolean> {
  const [row] = await environment.cloud.query('SELECT password_hash FROM users WHERE id = ?', [user.id]);
  return verifyPassword(password, String(row?.['password_hash']), 10);
}

async function recorded(user: TestUser): Promise<unknown[][]> {
  await environment.worker.scheduled();
  await environment.worker.delivered();
  const rows = await logoutRows(environment.cloud, user);
  return rows.map((row) => [row['session_id'], row['reason']]).sort();
}

describe('MySQL has the new hash, and Redis does not reply', () => {
  test.each<[string, Fault]>([
    ['breaks', { kind: 'refuse', match: isRenewal }],
    ['hangs', { kind: 'hang', match: isRenewal }],
    ['loses its replies', { kind: 'lose-answer', match: isRenewal }],
    ['carries it out later', { kind: 'late', ms: LATE_MS, match: isRenewal }],
  ])(
    '%s: says that the password is changed, and ends the other sessions in the background',
    async (_, fault) => {
      const { user, browser, app, change } = await setUp();
      environment.cloud.faults.set('redis', fault);
      const startedAtMs = performance.now();
      const response = await change();
      expect(performance.now() - startedAtMs).toBeLessThan(RESPONSE_DEADLINE_MS);
      expect(response.status).toBe(503);
      expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
      expect(response.body).toContain('Your password is changed');
      expect(response.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
      expect(await isPassword(user, NEW_PASSWORD)).toBe(true);
      await environment.cloud.settled();
      await eventually(async () => {
        expect(await openSessions(environment.cloud, user.id)).not.toContain(app.session.id);
      });
      environment.cloud.faults.clear();
      await environment.cloud.settled();
      // The only session that may still be open is the one that changed the password.
      const isStillIn = await browser.visitor.isSignedIn();
      await eventually(async () => {
        expect(await openSessions(environment.cloud, user.id)).toEqual(isStillIn ? [browser.session.id] : []);
      });
      const rows = await recorded(user);
      expect(rows).toContainEqual([app.session.id, 'password_changed']);
      expect(rows).toHaveLength(isStillIn ? 1 : 2);
      await environment.worker.visitor().signIn({ ...user, password: NEW_PASSWORD });
    },
  );

  test('loses one reply: the change succeeds', async () => {
    const { user, browser, app, change } = await setUp();
    environment.cloud.faults.set('redis', { kind: 'lose-answer', match: isRenewal, times: 1 });
    expect((await change()).status).toBe(303);
    expect(await browser.visitor.isSignedIn()).toBe(true);
    expect(await browser.visitor.cookie('sessionid')).not.toBe(browser.token);
    expect(await openSessions(environment.cloud, user.id)).toEqual([browser.session.id]);
    expect(await recorded(user)).toEqual([[app.session.id, 'password_changed']]);
  });
});

describe('MySQL does not confirm the new hash', () => {
  test.each<[string, Fault]>([
    ['breaks', { kind: 'refuse', match: isNewHash }],
    ['hangs', { kind: 'hang', match: isNewHash }],
  ])('%s first: nothing is changed', async (_, fault) => {
    const { user, browser, app, change } = await setUp();
    environment.cloud.faults.set('mysql', fault);
    const response = await change();
    expect(response.status).toBe(503);
    expect(response.body).not.toContain('Your password is changed');
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    expect(await isPassword(user, PASSWORD)).toBe(true);
    expect((await openSessions(environment.cloud, user.id)).sort()).toEqual(
      [browser.session.id, app.session.id].sort(),
    );
    expect((await change()).status).toBe(303);
    expect(await recorded(user)).toEqual([[app.session.id, 'password_changed']]);
  });

  test.each([1, 2])('its reply lost %i times: checked and confirmed', async (times) => {
    const { user, app, change } = await setUp();
    environment.cloud.faults.set('mysql', { kind: 'lose-answer', match: isNewHash, times });
    expect((await change()).status).toBe(303);
    expect(await isPassword(user, NEW_PASSWORD)).toBe(true);
    expect(await recorded(user)).toEqual([[app.session.id, 'password_changed']]);
  });

  test.each<[string, Fault]>([
    ['each reply lost', { kind: 'lose-answer', match: isNewHash }],
    ['carried out later', { kind: 'late', ms: LATE_MS, match: isNewHash }],
  ])('%s: the other devices are signed out in the end', async (_, fault) => {
    const { user, app, change } = await setUp();
    environment.cloud.faults.set('mysql', fault);
    const response = await change();
    expect(response.status).toBe(503);
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    expect(await isPassword(user, NEW_PASSWORD)).toBe(true);
    // The user sees that it failed and retries; the old password is no longer right.
    expect((await change()).status).toBe(401);
    await eventually(async () => {
      expect(await openSessions(environment.cloud, user.id)).not.toContain(app.session.id);
    });
    expect(await recorded(user)).toContainEqual([app.session.id, 'password_changed']);
  });
});
