import { expect, test, vi } from 'vitest';
import type { UserId } from '../../../src/lib/ids.ts';
import { startNewSessionFor, type NewSession } from '../../../src/session/start-session.ts';
import { hashToken } from '../../../src/session/token.ts';
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

const ANN = { id: '42' as UserId, username: 'ann' };

function setUp() {
  const memory = openMemoryWork();
  const { work, clock } = memory;
  const start = (changes: Partial<NewSession> = {}) =>
    startNewSessionFor(work, ANN, {
      kind: 'cookie',
      rememberMe: false,
      deviceName: null,
      replaces: [],
      form: null,
      checkedFromMs: clock.nowMs(),
      ...changes,
    });
  return { ...memory, start };
}

test.each([
  { rememberMe: false, ageSeconds: 86_400, idleAgeSeconds: 7200 },
  { rememberMe: true, ageSeconds: 2_592_000, idleAgeSeconds: 1_209_600 },
])('starts a session with Remember me $rememberMe', async ({ rememberMe, ageSeconds, idleAgeSeconds }) => {
  const { start, stores, clock } = setUp();
  const { token, tokenHash, session } = await start({ rememberMe, kind: 'bearer', deviceName: 'Pixel' });
  const nowMs = clock.nowMs();
  expect(session).toEqual({
    id: session.id,
    userId: ANN.id,
    username: 'ann',
    kind: 'bearer',
    rememberMe,
    createdAtMs: nowMs,
    lastSeenAtMs: nowMs,
    expiresAtMs: nowMs + ageSeconds * 1000,
    idleAgeSeconds,
    client: SAMPLE_CLIENT,
    deviceName: 'Pixel',
  });
  expect(tokenHash).toBe(hashToken(token));
  expect(await stores.sessions.check(offer(tokenHash, 'bearer'), nowMs)).toMatchObject({
    status: 'valid',
    session,
  });
});

test('each has a token and an id of its own', async () => {
  const { start } = setUp();
  const [first, second] = [await start(), await start()];
  expect(first.token).not.toBe(second.token);
  expect(first.session.id).not.toBe(second.session.id);
});

test('logs the sign-in and writes its row in the background', async () => {
  const { start, stores, log, runBackground } = setUp();
  const { session } = await start();
  expect(log.entries.map(({ name }) => name)).toEqual(['authn_login_success']);
  await runBackground();
  const row = { userId: ANN.id, sessionId: session.id, outcome: 'success', client: SAMPLE_CLIENT };
  expect([...stores.activityLog.logins.values()]).toMatchObject([row]);
  expect(stores.outbox.pending).toEqual([]);
});

test('ends the sessions of cookies that came along, each with its row', async () => {
  const { start, stores, clock, log, runBackground } = setUp();
  const planted = await start();
  await start({ replaces: [planted.tokenHash] });
  expect(await stores.sessions.check(offer(planted.tokenHash, 'cookie'), clock.nowMs())).toMatchObject({
    tombstone: { reason: 'replaced' },
  });
  expect(log.of('session_expired')).toMatchObject([{ session_id: planted.session.id, reason: 'replaced' }]);
  await runBackground();
  expect([...stores.activityLog.logouts.values()]).toMatchObject([{ sessionId: planted.session.id }]);
});

test('after a lost reply the session is ended in the background: no client has its token', async () => {
  const { start, stores, outage, clock, backgroundTasks, runBackground } = setUp();
  const sent = vi.spyOn(stores.sessions, 'start');
  outage.loseReplies('redis');
  await expect(start()).rejects.toMatchObject(STORE_UNAVAILABLE);
  outage.heal();
  const credential = offer(sent.mock.calls[0]![0].tokenHash, 'cookie');
  expect(await stores.sessions.check(credential, clock.nowMs())).toMatchObject({ status: 'valid' });
  expect(backgroundTasks()).toEqual(['abandon_start']);
  await runBackground();
  expect(await stores.sessions.check(credential, clock.nowMs())).toMatchObject({ reason: 'unknown' });
});

test('a retry that the store has already carried out is a success; the cron writes its row', async () => {
  const { start, stores, log, backgroundTasks } = setUp();
  const startOnce = stores.sessions.start.bind(stores.sessions);
  vi.spyOn(stores.sessions, 'start').mockImplementation(async (request) => {
    await startOnce(request);
    return startOnce(request);
  });
  await start();
  expect(log.entries.map(({ name }) => name)).toEqual(['authn_login_success']);
  expect(backgroundTasks()).toEqual([]);
  expect(stores.outbox.pending).toHaveLength(1);
});

test('a password changed since it was checked starts nothing', async () => {
  const { start, stores, clock, log, backgroundTasks } = setUp();
  const checkedFromMs = clock.nowMs();
  clock.advance(1);
  const other = sampleSession(clock.nowMs(), { userId: ANN.id });
  await stores.sessions.start(sampleStart(other, newTokenHash()));
  await stores.sessions.endOthers(other, newTokenHash(), sampleOperation(clock.nowMs()));
  await expect(start({ checkedFromMs })).rejects.toMatchObject({
    reason: { code: 'store_unavailable', store: 'redis', fault: 'superseded' },
  });
  expect([log.entries, backgroundTasks()]).toEqual([[], []]);
});
