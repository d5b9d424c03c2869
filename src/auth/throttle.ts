import { siteOf } from '../lib/client-info.ts';
import type { SessionId, Uuid } from '../lib/ids.ts';

/** Failures allowed within a window that opens with the first of them. */
export interface ThrottleLimit {
  readonly failures: number;
  readonly windowSeconds: number;
}

/** Per account and network: guessing one user's password from one place. */
export const ACCOUNT_NETWORK_LIMIT: ThrottleLimit = { failures: 10, windowSeconds: 900 };
/** Per account, from anywhere. NIST SP 800-63B section 3.2.2 allows at most 100 failures in a row. */
export const ACCOUNT_LIMIT: ThrottleLimit = { failures: 100, windowSeconds: 3600 };
/** Per network, whatever the account: trying one password on many names. */
export const NETWORK_LIMIT: ThrottleLimit = { failures: 200, windowSeconds: 3600 };
/** Per IPv6 /48, which anyone gets for free, with 65,536 networks in it. */
export const SITE_LIMIT: ThrottleLimit = { failures: 1000, windowSeconds: 3600 };

/** Per device that the name has signed in from, in place of the account's two: strangers can't use it up. */
const DEVICE_LIMIT: ThrottleLimit = { failures: 10, windowSeconds: 900 };
/** Per open session, for its owner's current password. */
const SESSION_LIMIT: ThrottleLimit = { failures: 10, windowSeconds: 900 };

/** How long an attempt's own state is kept: longer than a command can be under way. */
export const ATTEMPT_SECONDS = 600;

/** Where an attempt comes from. What others do elsewhere doesn't count against a known device or an open session. */
export type AttemptSource =
  | { readonly kind: 'stranger' }
  | { readonly kind: 'device'; readonly deviceId: string }
  | { readonly kind: 'session'; readonly sessionId: SessionId };

/** One attempt to prove a password, for counting. */
export interface Attempt {
  readonly attemptId: Uuid;
  /** In its normal form, so that no spelling has tries of its own. */
  readonly username: string;
  /** IPv4 address or IPv6 /64. Null: the request has no address, so only the account is counted. */
  readonly network: string | null;
  readonly source: AttemptSource;
}

/** A number of failures that an attempt adds to. */
export interface Counter {
  /** No two counters have the same. */
  readonly name: string;
  readonly limit: ThrottleLimit;
  readonly isClearedBySuccess: boolean;
}

/** What an attempt counts towards; `account` stands for its name. Only the first may be cleared by a success. */
export function countersOf({ network, source }: Attempt, account: string): readonly Counter[] {
  const counter = (name: string, limit: ThrottleLimit, isClearedBySuccess = false): Counter => ({
    name,
    limit,
    isClearedBySuccess,
  });
  if (source.kind === 'session') return [counter(`session:${source.sessionId}`, SESSION_LIMIT, true)];
  const site = network === null ? null : siteOf(network);
  const ofNetwork = [
    ...(network === null ? [] : [counter(`network:${network}`, NETWORK_LIMIT)]),
    ...(site === null ? [] : [counter(`site:${site}`, SITE_LIMIT)]),
  ];
  if (source.kind === 'device')
    return [counter(`device:${account}:${source.deviceId}`, DEVICE_LIMIT, true), ...ofNetwork];
  return [
    ...(network === null
      ? []
      : [counter(`account-network:${account}:${network}`, ACCOUNT_NETWORK_LIMIT, true)]),
    counter(`account:${account}`, ACCOUNT_LIMIT),
    ...ofNetwork,
  ];
}

export interface Throttled {
  readonly status: 'throttled';
  /** Seconds until the window that is full ends, at least 1. */
  readonly retryAfterSeconds: number;
  /** True once a window: this refusal is to be recorded. */
  readonly firstInWindow: boolean;
}

export type Reservation = { readonly status: 'allowed' } | Throttled;

/**
 * Counts failed sign-ins. An attempt is counted before the password is checked and given back if it didn't fail:
 * otherwise a hundred attempts at once would all pass before the first is counted.
 *
 * Each method is one command, atomic and safe to repeat, and throws `store_unavailable` during an outage: no sign-in
 * without a count, as failing open would be a way around it.
 */
export interface Throttle {
  reserve(attempt: Attempt): Promise<Reservation>;
  /** After a success: clears the first counter, and uncounts the attempt in the others. */
  succeed(attempt: Attempt): Promise<void>;
  /** After an outage: uncounts the attempt in all of them. If it is reserved later still, it isn't counted. */
  release(attempt: Attempt): Promise<void>;
}
