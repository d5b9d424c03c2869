import { expect, test } from 'vitest';
import { changePassword } from '../../../src/auth/change-password.ts';
import { hashPassword } from '../../../src/auth/password.ts';
import { storeUnavailable } from '../../../src/errors.ts';
import { openWork } from '../../../src/http/context.ts';
import { csrfTokens } from '../../../src/http/csrf-tokens.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';
import { newTokenHash, sampleSession, sampleStart, offer } from '../../fakes/samples.ts';

const PASSWORD = 'correct horse battery staple';
const NEW_PASSWORD = 'eine ganz neue Losung';

/** A user with two sessions changes the password in one of them. MySQL doesn't confirm the new hash. */
async function changeUnconfirmed() {
  const { stores, clock, log, work, runBackground } = openMemoryWork();
  const user = stores.users.add({ username: 'ann', passwordHash: await hashPassword(PASSWORD, 4) });
  const begin = async () => {
    const session = sampleSession(clock.nowMs(), { userId: user.id, username: user.username });
    const tokenHash = newTokenHash();
    await stores.sessions.start(sampleStart(session, tokenHash));
    return { session, credential: offer(tokenHash, session.kind) };
  };
  const [mine, other] = [await begin(), await begin()];
  let write = (): Promise<unknown> => Promise.resolve();
  const users = Object.assign(Object.create(stores.users) as typeof stores.users, {
    findById: (id: typeof user.id) => stores.users.findById(id),
    replacePasswordHash: (...args: Parameters<typeof stores.users.replacePasswordHash>) => {
      write = () => stores.users.replacePasswordHash(...args);
      return Promise.reject(storeUnavailable('database', 'timeout'));
    },
  });
  const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  await expect(
    changePassword({ ...work, users }, mine.credential, mine.session, change),
  ).rejects.toMatchObject({
    reason: { code: 'store_unavailable', store: 'database', unconfirmed: 'new_password' },
  });
  return {
    stores,
    clock,
    log,
    work,
    user,
    mine,
    other,
    carryOut: () => write(),
    runBackground,
  };
}

test('after a write that MySQL carries out late, sign-ins checked before it are refused', async () => {
  const { stores, clock, user, mine, other, carryOut, runBackground } = await changeUnconfirmed();
  clock.advance(600);
  const checkedFromMs = clock.nowMs();
  clock.advance(200);
  await carryOut();
  clock.advance(200);
  await runBackground();

  expect(await stores.sessions.check(mine.credential, clock.nowMs())).toMatchObject({ status: 'valid' });
  expect(await stores.sessions.check(other.credential, clock.nowMs())).toMatchObject({ reason: 'ended' });
  const session = sampleSession(clock.nowMs(), { userId: user.id, username: user.username });
  const start = (fromMs: number) =>
    stores.sessions.start(sampleStart(session, newTokenHash(), { checkedFromMs: fromMs }));
  await expect(start(checkedFromMs)).resolves.toEqual({ status: 'superseded' });
  await expect(start(clock.nowMs())).resolves.toMatchObject({ logouts: [] });
});

test('once the change is seen it is logged, with the end of each other session', async () => {
  const { log, user, mine, other, carryOut, runBackground } = await changeUnconfirmed();
  const logged = () => log.entries.map(({ name, fields }) => [name, fields.session_id, fields.user_id]);
  expect(logged()).toEqual([]);
  await carryOut();
  await runBackground();
  expect(logged()).toEqual([
    ['authn_password_change', mine.session.id, user.id],
    ['session_expired', other.session.id, user.id],
  ]);
});

test('a write that MySQL never carries out ends no session and is not logged', async () => {
  const { stores, clock, log, mine, other, runBackground } = await changeUnconfirmed();
  await runBackground();
  for (const { credential } of [mine, other])
    expect(await stores.sessions.check(credential, clock.nowMs())).toMatchObject({ status: 'valid' });
  expect(log.entries).toEqual([]);
});

test('after a change that was not confirmed, another one with another password succeeds', async () => {
  const { work, mine, carryOut } = await changeUnconfirmed();
  await carryOut();
  const change = (currentPassword: string) =>
    changePassword(work, mine.credential, mine.session, { currentPassword, newPassword: 'a third phrase' });
  expect(await change(PASSWORD)).toEqual({ status: 'refused', reason: { code: 'wrong_current_password' } });
  expect(await change(NEW_PASSWORD)).toMatchObject({ status: 'changed' });
});

test('everything is done inside what goes on without the client, and the caller gets its result', async () => {
  const kept: (() => Promise<unknown>)[] = [];
  const { stores, clock, outage, work } = openMemoryWork({
    uninterrupted: (run) => {
      kept.push(run);
      return new Promise(() => undefined);
    },
  });
  const user = stores.users.add({ username: 'ann', passwordHash: await hashPassword(PASSWORD, 4) });
  const session = sampleSession(clock.nowMs(), { userId: user.id, username: user.username });
  const tokenHash = newTokenHash();
  await stores.sessions.start(sampleStart(session, tokenHash));
  const before = { ...outage.calls };
  const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  void changePassword(work, { tokenHash, kind: 'cookie' }, session, change);
  expect(outage.calls).toEqual(before);
  expect(await kept[0]?.()).toMatchObject({ status: 'changed', session: { id: session.id } });
});

test('the runtime waits for uninterrupted work, whose failure is the caller’s alone', async () => {
  const waitedFor: Promise<unknown>[] = [];
  const { stores, clock, log, work } = openMemoryWork();
  const { settings, shield, cpuSlots } = work;
  const opened = openWork(
    { settings, clock, log, shield, cpuSlots, csrf: csrfTokens(['k'.repeat(32)]), openStores: () => stores },
    { requestId: 'r', request: null, waitUntil: (task) => void waitedFor.push(task) },
  );
  const failing = opened.uninterrupted(() => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(waitedFor).toHaveLength(1);
  await expect(waitedFor[0]).resolves.toBeUndefined();
});
