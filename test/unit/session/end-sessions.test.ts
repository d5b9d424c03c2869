import { describe, expect, test } from 'vitest';
import type { LogoutReason } from '../../../src/activity/events.ts';
import type { UserId } from '../../../src/lib/ids.ts';
import {
  endSessions,
  endedOwnSession,
  revokeSessions,
  signOutUnconfirmed,
} from '../../../src/session/end-sessions.ts';
import type { RevokeScope } from '../../../src/session/session-store.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';
import {
  newTokenHash,
  sampleLogout,
  sampleSession,
  sampleStart,
  UNKNOWN_SESSION_ID,
  offer,
} from '../../fakes/samples.ts';

const T = Date.UTC(2026, 10, 23, 12);
const UNCONFIRMED = { reason: { code: 'store_unavailable', store: 'redis', unconfirmed: 'sign_out' } };

/** A user with sessions in two browsers, and a third one under a duplicate cookie of the first browser. */
async function setUp() {
  const memory = openMemoryWork();
  const { stores, clock } = memory;
  const begin = async () => {
    const session = sampleSession(clock.nowMs(), { userId: '42' as UserId });
    const tokenHash = newTokenHash();
    await stores.sessions.start(sampleStart(session, tokenHash));
    return { session, tokenHash };
  };
  const [mine, duplicate, other] = [await begin(), await begin(), await begin()];
  const isOpen = async ({ tokenHash }: typeof mine): Promise<boolean> =>
    (await stores.sessions.check(offer(tokenHash, 'cookie'), clock.nowMs())).status === 'valid';
  return {
    ...memory,
    mine,
    duplicate,
    other,
    offered: { kind: 'cookie', tokenHashes: [mine.tokenHash, duplicate.tokenHash] },
    /** The CSRF token was issued for the first. */
    authorized: { kind: 'cookie', tokenHashes: [mine.tokenHash], others: [duplicate.tokenHash] },
    whichAreOpen: () => Promise.all([mine, duplicate, other].map(isOpen)),
  } as const;
}

describe('endSessions', () => {
  test('ends all that are open, logs each and writes their rows in the background', async () => {
    const { work, stores, log, mine, duplicate, offered, whichAreOpen, runBackground } = await setUp();
    const tokenHashes = [newTokenHash(), ...offered.tokenHashes];
    const logouts = await endSessions(work, { kind: 'cookie', tokenHashes }, 'logout');
    const ids = [mine.session.id, duplicate.session.id];
    expect(logouts.map(({ activity }) => activity.sessionId)).toEqual(ids);
    expect(await whichAreOpen()).toEqual([false, false, true]);
    expect(log.of('session_expired').map((fields) => fields.session_id)).toEqual(ids);
    await runBackground();
    expect([...stores.activityLog.logouts.values()].map(({ sessionId }) => sessionId)).toEqual(ids);
  });

  test('without a token there is nothing to ask the store', async () => {
    const { work, outage, backgroundTasks } = await setUp();
    const callsBefore = outage.calls.redis;
    expect(await endSessions(work, { kind: 'cookie', tokenHashes: [] }, 'logout')).toEqual([]);
    expect(outage.calls.redis).toBe(callsBefore);
    expect(backgroundTasks()).toEqual([]);
  });

  test('an outage leaves the sign-out in doubt, and says so', async () => {
    const { work, outage, log, offered } = await setUp();
    outage.refuse('redis');
    await expect(endSessions(work, offered, 'logout')).rejects.toMatchObject(UNCONFIRMED);
    expect(log.entries).toEqual([]);
  });
});

describe('revokeSessions', () => {
  test("another session's id ends that one; duplicate cookies keep their sessions", async () => {
    const { work, other, authorized, whichAreOpen } = await setUp();
    const result = await revokeSessions(work, authorized, { only: other.session.id });
    expect(result).toMatchObject({ status: 'revoked', logouts: [{ activity: { reason: 'revoked' } }] });
    expect(await whichAreOpen()).toEqual([true, true, false]);
  });

  test("the caller's own id ends the sessions of duplicate cookies too, as all cookies expire", async () => {
    const { work, mine, duplicate, authorized, whichAreOpen } = await setUp();
    const result = await revokeSessions(work, authorized, { only: mine.session.id });
    expect(result).toMatchObject({
      status: 'revoked',
      logouts: [mine, duplicate].map(({ session }) => ({
        activity: { sessionId: session.id, reason: 'logout' },
      })),
    });
    expect(await whichAreOpen()).toEqual([false, false, true]);
  });

  test("everywhere ends all of the user's, each logged with its row", async () => {
    const { work, stores, log, authorized, whichAreOpen, runBackground } = await setUp();
    await revokeSessions(work, authorized, 'all');
    expect(await whichAreOpen()).toEqual([false, false, false]);
    await runBackground();
    expect([log.of('session_expired').length, stores.activityLog.logouts.size]).toEqual([3, 3]);
  });

  test('an unknown id changes nothing', async () => {
    const { work, authorized, whichAreOpen, backgroundTasks } = await setUp();
    const result = await revokeSessions(work, authorized, { only: UNKNOWN_SESSION_ID });
    expect(result).toEqual({ status: 'not_found' });
    expect(await whichAreOpen()).toEqual([true, true, true]);
    expect(backgroundTasks()).toEqual([]);
  });

  test('a token whose session has ended changes nothing, and its use is logged', async () => {
    const { work, log, mine, authorized, whichAreOpen } = await setUp();
    await endSessions(work, { kind: 'cookie', tokenHashes: [mine.tokenHash] }, 'logout');
    const result = await revokeSessions(work, authorized, 'all');
    expect(result).toMatchObject({ status: 'invalid', reason: 'ended' });
    expect(await whichAreOpen()).toEqual([false, true, true]);
    expect(log.of('session_use_after_expire')).toMatchObject([{ session_id: mine.session.id }]);
  });

  test.each<RevokeScope>(['others', { only: UNKNOWN_SESSION_ID }])(
    'an outage leaves %o in doubt',
    async (scope) => {
      const { work, outage, authorized } = await setUp();
      outage.loseReplies('redis');
      await expect(revokeSessions(work, authorized, scope)).rejects.toMatchObject(UNCONFIRMED);
    },
  );
});

test.each<[LogoutReason, boolean]>([
  ['logout', true],
  ['logout_all', true],
  ['logout_others', false],
  ['revoked', false],
])('a revocation with reason %s ended the own session: %j', (reason, expected) => {
  expect(endedOwnSession([{ entryId: '1-1', activity: sampleLogout(T, { reason }) }])).toBe(expected);
  expect(endedOwnSession([])).toBe(false);
});

test('signOutUnconfirmed leaves other errors as they are', async () => {
  const bug = new TypeError('a bug');
  await expect(signOutUnconfirmed(() => Promise.reject(bug))).rejects.toBe(bug);
});
