import type { Uuid } from '../lib/ids.ts';

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

/** How long an attempt's own state is kept: longer than a command can be under way. */
export const ATTEMPT_SECONDS = 600;

/** One attempt to sign in, for counting. */
export interface Attempt {
  readonly attemptId: Uuid;
  readonly username: string;
  /** IPv4 address or IPv6 /64; `unknown` if the request has no address. */
  readonly network: string;
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
  /** After a success: resets the counter of account and network, and uncounts the attempt in the other two. */
  succeed(attempt: Attempt): Promise<void>;
  /** After an outage: uncounts the attempt in all three. If it is reserved later still, it isn't counted. */
  release(attempt: Attempt): Promise<void>;
}
