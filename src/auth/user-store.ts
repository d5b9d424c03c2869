import type { UserId } from '../lib/ids.ts';

export interface User {
  readonly id: UserId;
  readonly username: string;
  /** In one of the formats of password.ts, or in none of them. */
  readonly passwordHash: string;
  readonly isActive: boolean;
}

/** The users who may sign in. Each method is one statement and throws `store_unavailable` during an outage. */
export interface UserStore {
  /**
   * The user of exactly this name (case, accents and trailing spaces count) or else of its normal form
   * (`normalizeUsername`). Null: there is neither.
   */
  findByUsername(username: string): Promise<User | null>;
  findById(id: UserId): Promise<User | null>;
  /**
   * Puts a new hash in the place of `oldHash`. False: another hash is there now, and stays. So a retry after a lost reply
   * returns false as well.
   */
  replacePasswordHash(id: UserId, oldHash: string, newHash: string): Promise<boolean>;
  /** Resolves if the table has all the columns that this release uses. */
  ping(): Promise<void>;
}
