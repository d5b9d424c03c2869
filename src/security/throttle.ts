import type { Uuid } from '../uuid.ts';

/** Failures allowed within a window that opens with the first of them. */
export interface ThrottleLimit {
  readonly failures: number;
  readonly windowSeconds: number;
}

/** Per account and network: guessing one person's password from one place. */
export const ACCOUNT_NETWORK_LIMIT: ThrottleLimit = { failures: 10, windowSeconds: 900 };
/** Per account from anywhere. NIST SP 800-63B section 3.2.2 allows at most 100 consecutive failures. */
export const ACCOUNT_LIMIT: ThrottleLimit = { failures: 100, windowSeconds: 3600 };
/** Per network, whatever the account: trying one password on many names. */
export const NETWORK_LIMIT: ThrottleLimit = { failures: 200, windowSeconds: 3600 };

/** How long an attempt's own state is kept: longer than a command can be under way. */
export const ATTEMPT_SECONDS = 600;

/** One attempt to sign in, for counting. */
export interface Attempt {
  readonly attemptId: Uuid;
  readonly username: string;
  /** IPv4 address or IPv6 /64; `unknown` where the request does not tell. */
  readonly network: string;
}

export type Reservation =
  | { readonly status: 'allowed' }
  | {
      readonly status: 'throttled';
      /** Seconds until the window that is full ends, at least 1. */
      readonly retryAfterSeconds: number;
      /** True once a window: this refusal is to be recorded. */
      readonly firstInWindow: boolean;
    };

/**
 * Counts failed sign-ins. An attempt is counted before the password is looked at, and given back if it was no
 * failure: otherwise a hundred attempts at once would all pass before the first is counted.
 *
 * Each method is one command, atomic and safe to repeat, and throws `StoreUnavailableError` on an outage
 * (no sign-in without a count: failing open would be a way around it).
 */
export interface Throttle {
  reserve(attempt: Attempt): Promise<Reservation>;
  /** It was a success: the account's counter for this network starts anew, the other two get their one back. */
  succeed(attempt: Attempt): Promise<void>;
  /** It was neither (an outage): all three get theirs back. An attempt that arrives later still is not counted. */
  release(attempt: Attempt): Promise<void>;
}

/**
 * A coarse limit in front of the counters, which costs no store a thing: Cloudflare's rate-limit binding, counted
 * in each of its locations on its own and only about right. Where none is bound everybody is admitted.
 */
export interface Shield {
  /** False: so many attempts come from this network that none of them is looked at for now. */
  admit(network: string): Promise<boolean>;
}

/** What a refused client is told; the binding counts in windows of 10 or 60 seconds and does not tell what is left. */
export const SHIELD_RETRY_AFTER_SECONDS = 60;

export const OPEN_SHIELD: Shield = { admit: () => Promise.resolve(true) };
