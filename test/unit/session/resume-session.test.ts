import { describe, expect, test } from 'vitest';
import { listSessions, resumeSession } from '../../../src/session/resume-session.ts';
import { REFRESH_INTERVAL_MAX_SECONDS } from '../../../src/session/rules.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';
import { STORE_UNAVAILABLE } from '../../fakes/outage.ts';
import {
  newTokenHash,
  SAMPLE_CLIENT,
  sampleOperation,
  sampleSession,
  sampleStart,
  offer,
} from '../../fakes/samples.ts';

const REFRESH_MS = REFRESH_INTERVAL_MAX_SECONDS * 1000;

async function setUp() {
  const memory = openMemoryWork();
  const { stores, clock } = memory;
  const begin = async (userId = '42' as never) => {
    const session = sampleSession(clock.nowMs(), { userId });
    const credential = offer(newTokenHash(), 'cookie');
    await stores.sessions.start(sampleStart(session, credential.tokenHash));
    return { session, credential };
  };
  return { ...memory, begin, ...(await begin()) };
}

describe('resumeSession', () => {
  test('finds the session, and a moment later writes nothing', async () => {
    const { work, clock, session, credential, backgroundTasks } = await setUp();
    clock.advance(REFRESH_MS - 1);
    expect(await resumeSession(work, credential)).toMatchObject({ status: 'valid', session });
    expect(backgroundTasks()).toEqual([]);
  });

  test('notes the activity in the background once the interval is over, and shows it at once', async () => {
    const { work, stores, clock, session, credential, runBackground } = await setUp();
    clock.advance(REFRESH_MS);
    const { tokenHash } = credential;
    const seen = { status: 'valid', session: { ...session, lastSeenAtMs: clock.nowMs() }, tokenHash };
    expect(await resumeSession(work, credential)).toEqual(seen);
    expect(await stores.sessions.check(credential, clock.nowMs())).toMatchObject({
      status: 'valid',
      session,
    });
    await runBackground();
    expect(await stores.sessions.check(credential, clock.nowMs())).toEqual(seen);
  });

  test('a note that comes after a sign-out does not bring the session back', async () => {
    const { work, stores, clock, credential, runBackground } = await setUp();
    clock.advance(REFRESH_MS);
    await resumeSession(work, credential);
    await stores.sessions.end([credential.tokenHash], 'cookie', 'logout', sampleOperation(clock.nowMs()));
    await runBackground();
    expect(await resumeSession(work, credential)).toMatchObject({ status: 'invalid', reason: 'ended' });
  });

  test('logs the use of a token whose session has ended: who, why, when and from where', async () => {
    const { work, stores, clock, log, session, credential } = await setUp();
    const operation = sampleOperation(clock.nowMs());
    await stores.sessions.end([credential.tokenHash], 'cookie', 'revoked', operation);
    clock.advance(60_000);
    expect(await resumeSession(work, credential)).toMatchObject({ status: 'invalid', reason: 'ended' });
    expect(log.entries).toEqual([
      {
        name: 'session_use_after_expire',
        fields: {
          request_id: work.requestId,
          session_id: session.id,
          user_id: session.userId,
          reason: 'revoked',
          ended_at: new Date(operation.nowMs).toISOString(),
          ended_by_ip_address: operation.client.ipAddress,
          ip_address: SAMPLE_CLIENT.ipAddress,
        },
      },
    ]);
  });

  test('an unknown token and an expired session are no reason to log', async () => {
    const { work, clock, log, session, credential, backgroundTasks } = await setUp();
    const unknown = offer(newTokenHash(), 'cookie');
    expect(await resumeSession(work, unknown)).toEqual({ status: 'invalid', reason: 'unknown' });
    clock.advance(session.idleAgeSeconds * 1000);
    expect(await resumeSession(work, credential)).toMatchObject({ status: 'invalid' });
    expect([log.entries, backgroundTasks()]).toEqual([[], []]);
  });

  test('an outage is thrown: it does not mean signed out', async () => {
    const { work, outage, credential } = await setUp();
    outage.refuse('redis');
    await expect(resumeSession(work, credential)).rejects.toMatchObject(STORE_UNAVAILABLE);
  });
});

describe('listSessions', () => {
  test('shows the own session as seen now, in both places, and the others as they are', async () => {
    const { work, clock, session, credential, begin, runBackground } = await setUp();
    clock.advance(REFRESH_MS);
    const other = await begin();
    await begin('43' as never);
    clock.advance(1000);
    const seen = { ...session, lastSeenAtMs: clock.nowMs() };
    const { tokenHash } = credential;
    const expected = { status: 'valid', session: seen, sessions: [other.session, seen], tokenHash };
    expect(await listSessions(work, credential)).toEqual(expected);
    await runBackground();
    expect(await listSessions(work, credential)).toEqual(expected);
  });

  test('logs the use of a token whose session has ended', async () => {
    const { work, stores, clock, log, session, credential } = await setUp();
    await stores.sessions.end([credential.tokenHash], 'cookie', 'logout', sampleOperation(clock.nowMs()));
    expect(await listSessions(work, credential)).toMatchObject({ status: 'invalid', reason: 'ended' });
    expect(log.of('session_use_after_expire')).toMatchObject([{ session_id: session.id }]);
  });

  test('throws during an outage', async () => {
    const { work, outage, credential } = await setUp();
    outage.refuse('redis');
    await expect(listSessions(work, credential)).rejects.toMatchObject(STORE_UNAVAILABLE);
  });
});
