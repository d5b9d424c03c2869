import fc from 'fast-check';
import { isStoreUnavailable } from '../../../src/errors.ts';
import type { LogoutReason } from '../../../src/activity/events.ts';
import { hashToken, newToken } from '../../../src/session/token.ts';
import type { SessionStore } from '../../../src/session/session-store.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { sampleOperation, sampleStart } from '../../fakes/samples.ts';
import { ExpiringSession } from './expiring-session.ts';
import { send, wasClosedIdle, type HttpResponse, type SoakWorker } from './http.ts';
import type { Ledger } from './ledger.ts';

/** What happens to a session before it expires. */
const WEIGHTS = {
  nothing: 50,
  visit: 15,
  refresh: 10,
  signOut: 10,
  revokeOthers: 5,
  replace: 5,
  renew: 5,
} as const;

export interface Life {
  readonly idleAgeSeconds: number;
  readonly ageSeconds: number;
  readonly action: keyof typeof WEIGHTS;
  /** When something happens to it, in percent of the time until it would end: it may be too late. */
  readonly atPercent: number;
  /** Visits and refreshes. */
  readonly times: number;
}

/** Lives of so many seconds at most. */
export const anyLife = (maxSeconds: number): fc.Arbitrary<Life> =>
  fc.record({
    idleAgeSeconds: fc.integer({ min: 1, max: Math.ceil(maxSeconds / 2) }),
    ageSeconds: fc.integer({ min: 1, max: maxSeconds }),
    action: fc.oneof(
      ...Object.entries(WEIGHTS).map(([action, weight]) => ({
        weight,
        arbitrary: fc.constant(action as Life['action']),
      })),
    ),
    atPercent: fc.integer({ min: 5, max: 115 }),
    times: fc.integer({ min: 1, max: 4 }),
  });

export interface Lives {
  readonly worker: SoakWorker;
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
  /** By their public ids. */
  readonly sessions: Map<string, ExpiringSession>;
}

const IP_ADDRESS = '198.18.0.1';
const PAUSE_MS = 200;

/** Starts a session and does to it what was chosen. Nothing waits for its end. */
export async function live(lives: Lives, life: Life): Promise<void> {
  const tracked = await start(lives, life, null);
  if (tracked === null) return;
  const other = life.action === 'revokeOthers' ? await start(lives, life, tracked) : null;
  const pauseMs = (Math.min(life.idleAgeSeconds, life.ageSeconds) * 1000 * life.atPercent) / 100;
  const isRepeated = life.action === 'visit' || life.action === 'refresh';
  for (let i = 0; i < (isRepeated ? life.times : 1); i += 1) {
    if (life.action === 'nothing') return;
    await sleep(pauseMs);
    switch (life.action) {
      case 'visit':
        if (!(await visit(lives, tracked))) return;
        break;
      case 'refresh':
        if (!(await refresh(lives, tracked))) return;
        break;
      case 'signOut':
        await endThroughWorker(lives, tracked, '/api/v1/sessions/current', [[tracked, 'logout']]);
        break;
      case 'revokeOthers':
        await endThroughWorker(
          lives,
          tracked,
          '/api/v1/sessions?scope=others',
          other === null ? [] : [[other, 'logout_others']],
        );
        break;
      case 'replace':
        await start(lives, life, null, tracked);
        break;
      case 'renew':
        await renew(lives, tracked);
    }
  }
}

/** Null: the start wasn't confirmed. `sameUser`: whose user it is; `replaced`: a session that it ends. */
async function start(
  { cloud, ledger, sessions }: Lives,
  { action, idleAgeSeconds, ageSeconds }: Life,
  sameUser: ExpiringSession | null,
  replaced: ExpiringSession | null = null,
): Promise<ExpiringSession | null> {
  // Only cookies are replaced.
  const kind = action === 'replace' ? 'cookie' : 'bearer';
  const replacedNow = replaced?.mayEnd('replaced');
  const tracked = new ExpiringSession(
    { kind, idleAgeSeconds, ...(sameUser !== null && { userId: sameUser.session.userId }) },
    ageSeconds,
  );
  const { session, tokenHash } = tracked;
  sessions.set(session.id, tracked);
  const request = sampleStart(session, tokenHash, {
    replaces: replaced === null ? [] : [replaced.tokenHash],
  });
  const started = await unlessOut(() => storeOf(cloud).start(request));
  if (started?.status === 'started') {
    tracked.isStarted = true;
    replacedNow?.();
    ledger.count('sessions begun');
    return tracked;
  }
  ledger.count('starts without a reply, abandoned');
  const abandoned = tracked.mayEnd('abandoned');
  await untilDone(() => storeOf(cloud).abandon(tokenHash, session, sampleOperation(Date.now())));
  abandoned();
  return null;
}

/** False: it isn't open. */
async function visit(lives: Lives, tracked: ExpiringSession): Promise<boolean> {
  const { ledger } = lives;
  const { status, sentAtMs, receivedAtMs } = await request(lives, tracked, 'GET', '/api/v1/sessions/current');
  ledger.count(`visits: ${status}`);
  if (status !== 200) return status !== 401;
  tracked.wasOpen(sentAtMs);
  // The refresh comes after the response, perhaps too late.
  tracked.maySee(sentAtMs, receivedAtMs);
  return true;
}

/** False: it isn't open. */
async function refresh({ cloud, ledger }: Lives, tracked: ExpiringSession): Promise<boolean> {
  const lastSeenAtMs = Date.now();
  tracked.maySee(lastSeenAtMs);
  const { tokenHash, session } = tracked;
  const isStored = await unlessOut(() => storeOf(cloud).refresh(tokenHash, { ...session, lastSeenAtMs }));
  if (isStored === true) tracked.wasSeen(lastSeenAtMs);
  ledger.count(`refreshes: ${isStored === null ? 'not confirmed' : isStored ? 'stored' : 'too late'}`);
  return isStored !== false;
}

async function renew({ cloud, ledger }: Lives, tracked: ExpiringSession): Promise<void> {
  const { tokenHash, session } = tracked;
  const token = newToken();
  const renewed = await unlessOut(() =>
    storeOf(cloud).renew(
      { tokenHash, kind: 'bearer' },
      hashToken(token),
      session,
      sampleOperation(Date.now()),
    ),
  );
  if (renewed?.status === 'renewed') {
    tracked.token = token;
    return ledger.count('renewals');
  }
  if (renewed !== null) return ledger.count('renewals that came too late');
  ledger.count('renewals without a reply, abandoned');
  const abandoned = tracked.mayEnd('abandoned');
  await untilDone(() => storeOf(cloud).abandon(hashToken(token), session, sampleOperation(Date.now())));
  abandoned();
}

async function endThroughWorker(
  lives: Lives,
  by: ExpiringSession,
  path: string,
  targets: readonly (readonly [ExpiringSession, LogoutReason])[],
): Promise<void> {
  const { ledger } = lives;
  const ended = targets.map(([target, reason]) => target.mayEnd(reason));
  const response = await request(lives, by, 'DELETE', path);
  if (response.status !== 200) return ledger.count(`sign-outs with ${response.status}`);
  for (const each of ended) each();
  const { logouts } = JSON.parse(response.body) as {
    logouts: { session_id: string; reason: LogoutReason }[];
  };
  ledger.count('sign-outs and revocations of open sessions', logouts.length);
  if (logouts.length === 0) ledger.count('sign-outs and revocations that came too late');
  for (const { session_id: id, reason } of logouts) {
    const target = lives.sessions.get(id);
    if (target === undefined) ledger.violation(`a receipt names the unknown session ${id}`);
    else target.confirmed = reason;
  }
}

async function request(
  { worker, ledger }: Lives,
  { token }: ExpiringSession,
  method: 'GET' | 'DELETE',
  path: string,
): Promise<HttpResponse> {
  const headers = { Authorization: `Bearer ${token}` };
  const sendIt = () => send(worker, ledger, IP_ADDRESS, { method, path, headers, expected: [200, 401] });
  try {
    return await sendIt();
  } catch (error) {
    // It wasn't sent.
    if (!wasClosedIdle(error)) throw error;
    return sendIt();
  }
}

/** Each call has its own, as each request has: together they have a few seconds. */
const storeOf = (cloud: CloudProxy): SessionStore => openCloudStores(cloud).sessions;

/** Null: the store didn't reply, so it may have happened, or may still happen. */
async function unlessOut<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isStoreUnavailable(error)) return null;
    throw error;
  }
}

async function untilDone(work: () => Promise<unknown>): Promise<void> {
  while ((await unlessOut(work)) === null) await sleep(PAUSE_MS);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
