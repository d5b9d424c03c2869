import { expect } from 'vitest';
import type { Activity, LogoutActivity } from '../../../src/activity/events.ts';
import type { Outbox } from '../../../src/activity/outbox.ts';
import type { SessionEnds } from '../../../src/session/session-ends.ts';
import type {
  AuthorizedTokens,
  Credential,
  RecordedLogout,
  SessionStore,
  StartRequest,
  StartResult,
} from '../../../src/session/session-store.ts';
import type { Session } from '../../../src/session/session.ts';
import type { TokenHash } from '../../../src/session/token.ts';
import { newTokenHash, sampleSession, sampleStart, offer } from '../../fakes/samples.ts';

/** One implementation, empty, with the outbox that it writes to. */
export interface SessionStoreUnderTest {
  readonly store: SessionStore;
  readonly ends: SessionEnds;
  readonly outbox: Outbox;
  /** The store's own time. Methods that take the time are given it. */
  readonly nowMs: () => number;
  /** Moves the store's own time, by which things expire. */
  readonly advance: (ms: number) => Promise<void>;
}

/** Gives a part of the suite the implementation of the current test. */
export type Current = () => SessionStoreUnderTest;

export interface Begun {
  readonly tokenHash: TokenHash;
  readonly credential: Credential & AuthorizedTokens;
  readonly session: Session;
  readonly request: StartRequest;
  readonly started: Extract<StartResult, { status: 'started' }>;
}

/** Starts a session, by default now, under a fresh token. */
export async function begin(
  { store, nowMs }: SessionStoreUnderTest,
  changes: Partial<Session> = {},
  request: Partial<StartRequest> = {},
): Promise<Begun> {
  const session = sampleSession(changes.createdAtMs ?? nowMs(), changes);
  const tokenHash = newTokenHash();
  const startRequest = sampleStart(session, tokenHash, request);
  const started = await store.start(startRequest);
  if (started.status !== 'started') throw new Error(started.status);
  return {
    tokenHash,
    session,
    started,
    request: startRequest,
    credential: offer(tokenHash, session.kind),
  };
}

/** All that is pending in the outbox, oldest first. */
export async function pendingActivities({ outbox }: SessionStoreUnderTest): Promise<Activity[]> {
  const entries = await outbox.readOldest(10_000);
  return entries.flatMap(({ activity }) => activity ?? []);
}

export async function pendingLogouts(under: SessionStoreUnderTest): Promise<LogoutActivity[]> {
  const activities = await pendingActivities(under);
  return activities.filter((activity) => activity.type === 'logout');
}

/** Which session ended and why, in a stable order. */
export const reasonsOf = (logouts: readonly RecordedLogout[]): [string, string][] =>
  logouts.map(({ activity }): [string, string] => [activity.sessionId, activity.reason]).sort();

/** The outbox holds each of these log-outs once, as the operation returned them. */
export async function expectInOutbox(
  under: SessionStoreUnderTest,
  logouts: readonly RecordedLogout[],
): Promise<void> {
  const entries = await under.outbox.readOldest(10_000);
  for (const logout of logouts) {
    const found = entries.filter(
      ({ activity }) => activity?.type === 'logout' && activity.sessionId === logout.activity.sessionId,
    );
    expect(found).toEqual([logout]);
  }
}
