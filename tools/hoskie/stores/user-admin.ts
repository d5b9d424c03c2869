import type { UserId } from '../../../src/lib/ids.ts';
import type { User } from '../../../src/auth/user-store.ts';

/** A whole row of `users`, as an operator sees it. */
export interface UserRecord extends User {
  /** Null: not known. */
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  /** Null: never signed in, or not known. */
  readonly lastLoginAtMs: number | null;
}

/** A user as read back: also when the row was made. */
export interface StoredUser extends UserRecord {
  readonly createdAtMs: number;
}

/** A user to be added. */
export interface NewUserRecord extends Omit<UserRecord, 'id'> {
  /** Null: MySQL gives the next number. */
  readonly id: UserId | null;
}

/** What an import may change of a user who is there. What is absent stays. */
export interface UserUpdate {
  readonly passwordHash?: string;
  readonly email?: string | null;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly isActive?: false;
  /** Only ever moves the time forward. */
  readonly lastLoginAtMs?: number;
}

export interface UserFilter {
  readonly inactiveOnly: boolean;
  /** A part of the name or e-mail, upper and lower case alike; with `%` in it, a pattern for the whole. Null: any. */
  readonly like: string | null;
  readonly limit: number;
}

/** MySQL will never take this user: the name or the id is somebody else's, or a value does not fit its column. */
export class UserRefusedError extends Error {
  override readonly name = 'UserRefusedError';
  readonly isTaken: boolean;
  /** MySQL's error number. */
  readonly errno: number;
  constructor(errno: number, isTaken: boolean) {
    super(`errno ${errno}`);
    this.errno = errno;
    this.isTaken = isTaken;
  }
}

/** What an operator does to users. Each method is one statement and throws `StoreUnavailableError` on an outage. */
export interface UserAdmin {
  /** Null: nobody has exactly this name, case, accents and trailing spaces included. */
  findByUsername(username: string): Promise<StoredUser | null>;
  findById(id: UserId): Promise<StoredUser | null>;
  /** In the order of their ids. */
  list(filter: UserFilter): Promise<StoredUser[]>;
  /** Users with one of these ids. */
  findByIds(ids: readonly UserId[]): Promise<StoredUser[]>;
  /** Users with one of these names, also ones that differ in trailing spaces: MySQL takes them for the same name. */
  findByUsernames(usernames: readonly string[]): Promise<StoredUser[]>;
  /**
   * Adds all of them or none; all with ids or all without. Throws `UserRefusedError`. Repeating it after a lost
   * answer throws `isTaken`: the caller looks whether it is its own row that is there.
   */
  insert(users: readonly NewUserRecord[]): Promise<void>;
  /** Whatever hash was there. Safe to repeat. */
  setPasswordHash(id: UserId, passwordHash: string): Promise<void>;
  /** Safe to repeat. */
  setActive(id: UserId, isActive: boolean): Promise<void>;
  /** Changes a user whose hash is still `oldHash`. False: it is not, so nothing was changed. */
  update(id: UserId, oldHash: string, changes: UserUpdate): Promise<boolean>;
}
