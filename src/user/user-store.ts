import type { UserId } from '../session/token.ts';

export interface User {
  readonly id: UserId;
  readonly username: string;
  /** Django format; may be of any kind or none, see password.ts. */
  readonly passwordHash: string;
  readonly isActive: boolean;
}

/** The people who may sign in. Each method is one statement and throws `StoreUnavailableError` on an outage. */
export interface UserStore {
  /** Null: nobody has exactly this name, case, accents and trailing spaces included. */
  findByUsername(username: string): Promise<User | null>;
  findById(id: UserId): Promise<User | null>;
  /**
   * Puts a new hash in the place of `oldHash`. False: it is no longer there, as somebody changed the password
   * meanwhile, and theirs stays. Safe to repeat only in so far as a repetition answers false.
   */
  replacePasswordHash(id: UserId, oldHash: string, newHash: string): Promise<boolean>;
}
