import type { UserId, Uuid } from '../lib/ids.ts';
import type { TokenHash } from './token.ts';

export const SESSION_KEY_PREFIX = 'session:';
export const ENDED_KEY_PREFIX = 'ended:';
export const INDEX_KEY_PREFIX = 'user-sessions:';
export const RECEIPT_KEY_PREFIX = 'operation:';
const SIGN_IN_KEY_PREFIX = 'sign-in:';
export const CUTOFF_KEY_PREFIX = 'cutoff:';
/** Followed by a minute, in Unix minutes: set of the token hashes of sessions that were to end in it when they were added. */
export const ENDS_KEY_PREFIX = 'session-ends:';
/** The first minute whose set may have members; those before it are dealt with. */
export const OLDEST_ENDS_KEY = 'session-ends:oldest';
/** Hash of password changes under way, by the token hash of the credential: a `PasswordChange` as JSON. */
export const PASSWORD_CHANGES_KEY = 'password-changes';

/** A session's record. Gone once it has ended; for a while after it expired it may still be there. */
export const recordKey = (tokenHash: TokenHash): string => SESSION_KEY_PREFIX + tokenHash;
/** The tombstone of an ended session; a start or refresh that comes too late finds it. */
export const endedKey = (tokenHash: TokenHash): string => ENDED_KEY_PREFIX + tokenHash;
/** What scripts are given of each offered token: its record, then its tombstone. */
export const tokenKeys = (tokenHashes: readonly TokenHash[]): string[] =>
  tokenHashes.flatMap((tokenHash) => [recordKey(tokenHash), endedKey(tokenHash)]);
/** A user's index: a hash from session id to token hash. */
export const indexKey = (userId: UserId): string => INDEX_KEY_PREFIX + userId;
/** The reply of an operation, for a retry. */
export const receiptKey = (operation: { readonly id: Uuid }): string => RECEIPT_KEY_PREFIX + operation.id;
/** Token hash of the session that a sign-in form started; `attempt` is the SHA-256 of its CSRF cookie's nonce. */
export const signInKey = (attempt: string): string => SIGN_IN_KEY_PREFIX + attempt;
export const endsKey = (minute: number): string => ENDS_KEY_PREFIX + String(minute);
/** Unix ms; refuses starts whose password was checked earlier. */
export const cutoffKey = (userId: UserId): string => CUTOFF_KEY_PREFIX + userId;
