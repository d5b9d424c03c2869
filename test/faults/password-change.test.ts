import { describe, expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../../src/auth/password.ts';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { PASSWORD_CHANGES_KEY } from '../../src/session/redis-keys.ts';
import { addUser, eventually, logoutRows, PASSWORD, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { openWorker } from '../support/worker.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Answer } from '../support/visitor.ts';
import { END_OTHERS, RENEW } from '../../src/session/scripts.ts';
import { runsScript } from '../support/scripts.ts';
import { RESPONSE_DEADLINE_MS } from './fault-table.ts';
import { openSessions } from './store-state.ts';

const environment = useTestEnvironment();

const NEW_PASSWORD = 'a wholly different phrase';
const LATE_MS = 2500;

const isRenewal = (call: CallContent): boolean => runsScript(call, RENEW);
const isNewHash = (call: CallContent): boolean =>
  call.store === 'mysql' && call.sql.startsWith('UPDATE users SET password_hash');

async function setUp({ ageMs = 0 } = {}) {
  const user = await addUser(environment.cloud);
  const createdAtMs = Date.now() - ageMs;
  const browser = await seedVisitor(environment, user, { createdAtMs });
  const app = await seedSession(environment.cloud, user, { kind: 'bearer', createdAtMs });
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
    environment.cloud.calls.length = 0;
    environment.cloud.faults.set('mysql', fault);
    const response = await change();
    expect(response.status).toBe(503);
    expect(response.body).not.toContain('Your password is changed');
    // The Worker's connection outlives its patience by a moment: until then a store that hangs could still do it.
    await eventually(async () => {
      expect(environment.cloud.calls.some((call) => call.fault === fault.kind)).toBe(true);
    });
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
    // The user sees that it failed and retries. If the others have ended by then, the old password is no longer right;
    // otherwise it is a copy of the change under way.
    expect([303, 401]).toContain((await change()).status);
    await eventually(async () => {
      expect(await openSessions(environment.cloud, user.id)).not.toContain(app.session.id);
    });
    expect(await recorded(user)).toContainEqual([app.session.id, 'password_changed']);
  });
});

describe('the request that changed the password is gone before the other sessions ended', () => {
  /** Redis is out for what ends sessions once MySQL has the new hash; then the isolate dies, and a minute passes. */
  async function changeAndDie() {
    const { user, browser, app } = await setUp({ ageMs: 120_000 });
    const worker = await openWorker({ cloud: environment.cloud });
    const visitor = worker.visitor();
    for (const cookie of await browser.visitor.jar.getCookies(browser.visitor.origin))
      await visitor.setCookie(cookie.toString());
    environment.cloud.faults.set('redis', {
      kind: 'refuse',
      match: (call) => runsScript(call, RENEW, END_OTHERS),
    });
    const response = await visitor.post(
      '/account/password/',
      { current_password: PASSWORD, new_password: NEW_PASSWORD },
      { 'X-CSRFToken': await visitor.cookie('csrftoken') },
    );
    expect(response.status).toBe(503);
    await worker.stop();
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    expect(await openSessions(environment.cloud, user.id)).toHaveLength(2);
    await letMinutePass();
    return { user, browser, app };
  }

  async function letMinutePass(): Promise<void> {
    const { redis } = environment.cloud;
    for (const [field, text] of Object.entries(await redis.hgetall(PASSWORD_CHANGES_KEY))) {
      const change = JSON.parse(text) as { startedAtMs: number };
      await redis.hset(
        PASSWORD_CHANGES_KEY,
        field,
        JSON.stringify({ ...change, startedAtMs: change.startedAtMs - 60_001 }),
      );
    }
  }
  const pending = () => environment.cloud.redis.hlen(PASSWORD_CHANGES_KEY);

  test('the cron ends them, each with its row and its log line, and keeps the one that changed it', async () => {
    const { user, browser, app } = await changeAndDie();
    expect(await recorded(user)).toEqual([[app.session.id, 'password_changed']]);
    expect(await openSessions(environment.cloud, user.id)).toEqual([browser.session.id]);
    expect(await browser.visitor.isSignedIn()).toBe(true);
    expect(environment.worker.logs.filter((line) => line.includes(app.session.id))).toHaveLength(1);
    expect(await pending()).toBe(0);
  });

  test('a session that began with the new password stays', async () => {
    const { user, browser, app } = await changeAndDie();
    const fresh = environment.worker.visitor();
    await fresh.signIn({ ...user, password: NEW_PASSWORD });
    expect(await recorded(user)).toEqual([[app.session.id, 'password_changed']]);
    expect(await fresh.isSignedIn()).toBe(true);
    expect(await openSessions(environment.cloud, user.id)).toHaveLength(2);
    expect(await browser.visitor.isSignedIn()).toBe(true);
  });

  test('the cron twice at once makes one row', async () => {
    const { user, app } = await changeAndDie();
    await Promise.all([environment.worker.scheduled(), environment.worker.scheduled()]);
    expect(await recorded(user)).toEqual([[app.session.id, 'password_changed']]);
  });

  test('a user who was deleted meanwhile stops nothing', async () => {
    const deleted = await changeAndDie();
    const { user, app } = await changeAndDie();
    await environment.cloud.query('DELETE FROM users WHERE id = ?', [deleted.user.id]);
    expect(await recorded(user)).toEqual([[app.session.id, 'password_changed']]);
    expect(await pending()).toBe(0);
  });
});

test('a change that was never made ends nothing and is forgotten, also if a sign-in rewrote the hash', async () => {
  const { user, browser, change } = await setUp();
  expect((await change('wrong')).status).toBe(401);
  const { redis } = environment.cloud;
  const text = (await redis.hget(PASSWORD_CHANGES_KEY, browser.tokenHash)) ?? '{}';
  const begun = JSON.parse(text) as object;
  await redis.hset(PASSWORD_CHANGES_KEY, browser.tokenHash, JSON.stringify({ ...begun, startedAtMs: 1 }));
  const rewritten = await hashPassword(PASSWORD, 4);
  await environment.cloud.query('UPDATE users SET password_hash = ? WHERE id = ?', [rewritten, user.id]);
  expect(await recorded(user)).toEqual([]);
  expect(await openSessions(environment.cloud, user.id)).toHaveLength(2);
  expect(await redis.hlen(PASSWORD_CHANGES_KEY)).toBe(0);
});
