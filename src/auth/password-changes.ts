import type { ClientInfo } from '../lib/client-info.ts';
import type { SessionId, UserId } from '../lib/ids.ts';
import type { TokenHash } from '../session/token.ts';

/** A password change under way, so that the other sessions end even if Redis is out once MySQL has the new hash. */
export interface PasswordChange {
  /** Of the credential, whose session stays open. */
  readonly tokenHash: TokenHash;
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly username: string;
  /** bcrypt's version, cost and salt of the new hash: by them a stored hash is known to be this change's. */
  readonly salt: string;
  readonly startedAtMs: number;
  /** Who sent the request. */
  readonly client: ClientInfo;
}

/**
 * The password changes under way, at most one for each credential. `SessionStore.renew` and `endOthers` settle one, in the
 * step that ends the other sessions; the cron goes through those that were left behind. Each method is one command, safe to
 * repeat, and throws `store_unavailable` during an outage.
 */
export interface PasswordChanges {
  /**
   * Notes a change before its new hash is written. A copy of the request gets the first one's salt, and so makes the same
   * hash. Null: the credential's session isn't open.
   */
  begin(change: PasswordChange): Promise<PasswordChange | null>;
  /** Those started before that time, at most `limit`, in no order. */
  findStartedBefore(ms: number, limit: number): Promise<PasswordChange[]>;
  /** Forgets a change that was never made, unless it was begun again meanwhile. */
  drop(change: PasswordChange): Promise<void>;
}
