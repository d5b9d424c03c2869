import { expect, test } from 'vitest';
import type { AuthWork, Stores } from '../../../src/auth/auth-work.ts';
import { changePassword } from '../../../src/auth/change-password.ts';
import { hashPassword } from '../../../src/auth/password.ts';
import { storeUnavailable } from '../../../src/errors.ts';
import { parseSettings } from '../../../src/settings.ts';
import { StoreTrace } from '../../../src/store/store-trace.ts';
import { openMemoryStores } from '../../fakes/memory-stores.ts';
import { newTokenHash, sampleSession, sampleStart } from '../../fakes/samples.ts';

const parsed = parseSettings({
  UPSTASH_REDIS_REST_URL: 'https://redis.example',
  UPSTASH_REDIS_REST_TOKEN: 'token',
  DATABASE_URL: 'mysql://user:password@mysql.example/main',
  SECRET_KEY: 'k'.repeat(32),
});
if (!parsed.ok) throw new Error(`malformed: ${parsed.malformed.join()}`);
const { settings } = parsed;

const PASSWORD = 'correct horse battery staple';
const NEW_PASSWORD = 'eine ganz neue Losung';

/** Somebody with this session and another one changes the password; MySQL takes the hash, but says so to nobody. */
async function changeUnconfirmed() {
  const { stores, clock, log } = openMemoryStores();
  const user = stores.users.add({ username: 'ann', passwordHash: await hashPassword(PASSWORD, 4) });
  const begin = async () => {
    const session = sampleSession(clock.nowMs(), { userId: user.id, username: user.username });
    const tokenHash = newTokenHash();
    await stores.sessions.start(sampleStart(session, tokenHash));
    return { session, credential: { tokenHash, kind: session.kind } };
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
  const background: ((stores: Stores) => Promise<unknown>)[] = [];
  const work: AuthWork = {
    ...stores,
    users,
    id: 'a-request',
    settings,
    client: { ipAddress: '192.0.2.1', userAgent: null, country: null },
    clock,
    log,
    shield: { admit: () => Promise.resolve(true) },
    cpuSlots: { take: () => Promise.resolve() },
    trace: new StoreTrace(),
    inBackground: (_task, run) => void background.push(run),
  };
  const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  await expect(changePassword(work, mine.credential, mine.session, change)).rejects.toMatchObject({
    reason: { code: 'store_unavailable', store: 'database', unconfirmed: 'new_password' },
  });
  return {
    stores,
    clock,
    log,
    user,
    mine,
    other,
    carryOut: () => write(),
    lookBehind: async () => {
      for (const run of background) await run(stores);
    },
  };
}

test('a write that MySQL carries out late refuses the sign-ins that were checked before it', async () => {
  const { stores, clock, user, mine, other, carryOut, lookBehind } = await changeUnconfirmed();
  clock.advance(600);
  const lookedAtMs = clock.nowMs();
  clock.advance(200);
  await carryOut();
  clock.advance(200);
  await lookBehind();

  expect(await stores.sessions.check(mine.credential, clock.nowMs())).toMatchObject({ status: 'valid' });
  expect(await stores.sessions.check(other.credential, clock.nowMs())).toMatchObject({ reason: 'ended' });
  const session = sampleSession(clock.nowMs(), { userId: user.id, username: user.username });
  const start = (checkedFromMs: number) =>
    stores.sessions.start(sampleStart(session, newTokenHash(), { checkedFromMs }));
  await expect(start(lookedAtMs)).resolves.toEqual({ status: 'superseded' });
  await expect(start(clock.nowMs())).resolves.toMatchObject({ logouts: [] });
});

test('it is logged once it is seen: a change, and an end for each other session', async () => {
  const { log, user, mine, other, carryOut, lookBehind } = await changeUnconfirmed();
  const told = () => log.entries.map(({ name, fields }) => [name, fields.session_id, fields.user_id]);
  expect(told()).toEqual([]);
  await carryOut();
  await lookBehind();
  expect(told()).toEqual([
    ['authn_password_change', mine.session.id, user.id],
    ['session_expired', other.session.id, user.id],
  ]);
});

test('a write that MySQL never carries out ends nobody’s session, and is not logged', async () => {
  const { stores, clock, log, mine, other, lookBehind } = await changeUnconfirmed();
  await lookBehind();
  for (const { credential } of [mine, other])
    expect(await stores.sessions.check(credential, clock.nowMs())).toMatchObject({ status: 'valid' });
  expect(log.entries).toEqual([]);
});
