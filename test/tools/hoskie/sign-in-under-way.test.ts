import type { StartResult } from '../../../src/session/session-store.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { UserId } from '../../../src/lib/ids.ts';
import { CLOCK_MARGIN_MS } from '../../../tools/hoskie/stores/redis-session-admin.ts';
import { fromSqlTime } from '../../../src/store/sql-time.ts';
import { endSessionsOf } from '../../../tools/hoskie/end-sessions.ts';
import { openStores } from '../../../tools/hoskie/stores.ts';
import { openSessions } from '../../faults/store-state.ts';
import { newTokenHash, sampleSession, sampleStart } from '../../fakes/samples.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { addUser, eventually, logoutRows, type TestUser } from '../../support/people.ts';
import { seedSession, seedVisitor } from '../../support/seed-session.ts';
import { useTestEnvironment } from '../../support/test-environment.ts';
import { runCli } from './run-cli.ts';

// A sign-in reads the user's row, verifies the password, and starts its session. A change to the user in between must
// not be undone by that session.

const environment = useTestEnvironment();

const NEW_PASSWORD = 'fake but long enough';

const TEN_MINUTES_MS = 600_000;
/** A machine whose clock is wrong by so many ms. */
const clockOff = (ms: number) => ({
  NODE_OPTIONS: `--import data:text/javascript,const{now}=Date;Date.now=()=>now()+(${ms})`,
});

/** Starts a session for a user whose row was read at that time. */
function startFor(user: TestUser, checkedFromMs: number): Promise<StartResult> {
  const session = sampleSession(Date.now(), { userId: user.id as UserId, username: user.username });
  return openCloudStores(environment.cloud).sessions.start(
    sampleStart(session, newTokenHash(), { checkedFromMs }),
  );
}

describe.each([
  ['passwd', (user: TestUser) => ['user', 'passwd', user.username]],
  ['disable', (user: TestUser) => ['user', 'disable', user.username]],
  ['end-all', (user: TestUser) => ['session', 'end-all', user.username]],
])('%s', (_, command) => {
  test.each([
    ['of an exact clock', {}],
    ['of a slow clock', clockOff(-TEN_MINUTES_MS)],
    ['of a fast clock', clockOff(TEN_MINUTES_MS)],
  ])('by an operator %s refuses earlier sign-ins, not later ones', async (__, clock) => {
    const user = await addUser(environment.cloud);
    const beforeMs = Date.now();
    const env = { ...environment.cloud.env, ...clock };
    const result = await runCli(null, command(user), { env, input: NEW_PASSWORD });
    expect(result, result.stderr).toMatchObject({ exitCode: 0, stderr: '' });

    await expect(startFor(user, beforeMs)).resolves.toEqual({ status: 'superseded' });
    expect(await openSessions(environment.cloud, user.id)).toEqual([]);
    await startFor(user, Date.now() + CLOCK_MARGIN_MS);
    expect(await openSessions(environment.cloud, user.id)).toHaveLength(1);
  });

  test('by an operator of a fast clock ends a session that has not expired yet, at the store’s time', async () => {
    const user = await addUser(environment.cloud);
    const nowMs = Date.now();
    // Idle for all but five minutes of its two hours.
    await seedSession(environment.cloud, user, {
      createdAtMs: nowMs - 3 * 3_600_000,
      lastSeenAtMs: nowMs - 115 * 60_000,
    });
    const env = { ...environment.cloud.env, ...clockOff(TEN_MINUTES_MS) };
    const result = await runCli(null, command(user), { env, input: NEW_PASSWORD });
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
    expect(await openSessions(environment.cloud, user.id)).toEqual([]);
    const [row] = await logoutRows(environment.cloud, user);
    expect(Math.abs((fromSqlTime(String(row?.['logged_out_at'])) ?? 0) - nowMs)).toBeLessThan(
      TEN_MINUTES_MS / 2,
    );
  });
});

describe('with the Worker', () => {
  // What an operator's machine has in its environment.
  beforeEach(() => {
    for (const [name, value] of Object.entries(environment.cloud.env)) vi.stubEnv(name, value);
  });
  afterEach(() => vi.unstubAllEnvs());

  test('a late password change does not let a disabled user in', async () => {
    const user = await addUser(environment.cloud);
    const { visitor } = await seedVisitor(environment, user);
    const page = await visitor.get('/account/password/');
    const seen = { renew: false, start: false };
    environment.cloud.faults.set('redis', {
      kind: 'delay',
      ms: 800,
      match: (call) => {
        if (call.store !== 'redis') return false;
        const isRenew = call.commands.some(([, script]) => script?.includes("'renewed'"));
        seen.renew ||= isRenew;
        seen.start ||= isStart(call.commands);
        return isRenew || isStart(call.commands);
      },
    });
    const changing = visitor.submit(page, {
      current_password: user.password,
      new_password: NEW_PASSWORD,
      confirm_password: NEW_PASSWORD,
    });
    await eventually(() => expect(seen.renew).toBe(true));
    const other = environment.worker.visitor();
    const signIn = other.trySignIn({ ...user, password: NEW_PASSWORD });
    await eventually(() => expect(seen.start).toBe(true));
    const stores = openStores({ timeout: 10 }, 'redis', 'database');
    await stores.users.setActive(user.id as UserId, false);
    await endSessionsOf(stores, user.id as UserId, 'admin');
    await changing;
    expect((await signIn).status).toBe(503);
    await environment.cloud.settled();
    expect(await other.isSignedIn()).toBe(false);
    expect(await openSessions(environment.cloud, user.id)).toEqual([]);
  });

  test('a sign-in that is overtaken by a new password is asked to try again, and leaves no session', async () => {
    const user = await addUser(environment.cloud);
    let isStarting = false;
    environment.cloud.faults.set('redis', {
      kind: 'delay',
      ms: 800,
      match: (call) => (isStarting ||= call.store === 'redis' && isStart(call.commands)),
      times: 1,
    });
    const signIn = environment.worker.visitor().trySignIn(user);
    await eventually(() => expect(isStarting).toBe(true));

    const stores = openStores({ timeout: 10 }, 'redis', 'database');
    await stores.users.setPasswordHash(user.id as UserId, 'another one');
    const ended = await endSessionsOf(stores, user.id as UserId, 'password_changed');
    expect(ended).toMatchObject({ logouts: [], outage: null });

    const answer = await signIn;
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(answer.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
    await environment.cloud.settled();
    expect(await openSessions(environment.cloud, user.id)).toEqual([]);
    expect(await logoutRows(environment.cloud, user)).toEqual([]);
  });
});

const isStart = (commands: readonly (readonly string[])[]): boolean =>
  commands.some(([name, script]) => name?.toUpperCase() === 'EVAL' && script?.includes("'replaced'"));
