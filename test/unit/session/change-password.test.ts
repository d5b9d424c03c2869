import { expect, test } from 'vitest';
import type { Deps, RequestScope } from '../../../src/deps.ts';
import { changePassword, PasswordUnconfirmedError } from '../../../src/session/change-password.ts';
import { StartRefusedError } from '../../../src/session/session-store.ts';
import { parseSettings } from '../../../src/settings.ts';
import { StoreUnavailableError } from '../../../src/store/store-call.ts';
import { hashPassword } from '../../../src/user/password.ts';
import { openMemoryDeps } from '../../fakes/memory-deps.ts';
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
  const { deps } = openMemoryDeps();
  const user = deps.users.add({ username: 'ann', passwordHash: await hashPassword(PASSWORD, 4) });
  const begin = async () => {
    const session = sampleSession(deps.clock.nowMs(), { userId: user.id, username: user.username });
    const tokenHash = newTokenHash();
    await deps.sessions.start(sampleStart(session, tokenHash));
    return { session, holder: { tokenHash, kind: session.kind } };
  };
  const [mine, other] = [await begin(), await begin()];
  let write = (): Promise<unknown> => Promise.resolve();
  const users = Object.assign(Object.create(deps.users) as typeof deps.users, {
    findById: (id: typeof user.id) => deps.users.findById(id),
    replacePasswordHash: (...args: Parameters<typeof deps.users.replacePasswordHash>) => {
      write = () => deps.users.replacePasswordHash(...args);
      return Promise.reject(new StoreUnavailableError('database', 'timeout'));
    },
  });
  const behind: ((deps: Deps) => Promise<unknown>)[] = [];
  const scope: RequestScope = {
    requestId: 'a-request',
    settings,
    client: { ipAddress: '192.0.2.1', userAgent: null, country: null },
    deps: { ...deps, users },
    afterAnswer: (_task, work) => void behind.push(work),
  };
  const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  await expect(changePassword(scope, mine.holder, mine.session, change)).rejects.toThrow(
    PasswordUnconfirmedError,
  );
  return {
    deps,
    user,
    mine,
    other,
    carryOut: () => write(),
    lookBehind: async () => {
      for (const work of behind) await work(deps);
    },
  };
}

test('a write that MySQL carries out late refuses the sign-ins that were checked before it', async () => {
  const { deps, user, mine, other, carryOut, lookBehind } = await changeUnconfirmed();
  deps.clock.advance(600);
  const lookedAtMs = deps.clock.nowMs();
  deps.clock.advance(200);
  await carryOut();
  deps.clock.advance(200);
  await lookBehind();

  expect(await deps.sessions.check(mine.holder, deps.clock.nowMs())).toMatchObject({ status: 'valid' });
  expect(await deps.sessions.check(other.holder, deps.clock.nowMs())).toMatchObject({ reason: 'ended' });
  const session = sampleSession(deps.clock.nowMs(), { userId: user.id, username: user.username });
  const start = (checkedFromMs: number) =>
    deps.sessions.start(sampleStart(session, newTokenHash(), { checkedFromMs }));
  await expect(start(lookedAtMs)).rejects.toThrow(StartRefusedError);
  await expect(start(deps.clock.nowMs())).resolves.toMatchObject({ logouts: [] });
});

test('it is told, once it is seen, as what it was: a change, and an end for each other session', async () => {
  const { deps, user, mine, other, carryOut, lookBehind } = await changeUnconfirmed();
  const told = () => deps.log.entries.map(({ name, fields }) => [name, fields.session_id, fields.user_id]);
  expect(told()).toEqual([]);
  await carryOut();
  await lookBehind();
  expect(told()).toEqual([
    ['authn_password_change', mine.session.id, user.id],
    ['session_expired', other.session.id, user.id],
  ]);
});

test('a write that MySQL never carries out ends nobody’s session, and is told as nothing', async () => {
  const { deps, mine, other, lookBehind } = await changeUnconfirmed();
  await lookBehind();
  for (const { holder } of [mine, other])
    expect(await deps.sessions.check(holder, deps.clock.nowMs())).toMatchObject({ status: 'valid' });
  expect(deps.log.entries).toEqual([]);
});
