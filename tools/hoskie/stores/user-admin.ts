import type { UserId } from '../../../src/lib/ids.ts';
import type { User } from '../../../src/auth/user-store.ts';

/** A whole row of `users`, as an operator sees it. */
export interface UserRecord extends User {
  /** Null: unknown. */
  readonly email: string | null;
  readonly firstName: string;
  readonly lastName: string;
  /** Null: never signed in, or unknown. */
  readonly lastLoginAtMs: number | null;
}

/** A user as stored, with the time at which the row was created. */
export interface StoredUser extends UserRecord {
  readonly createdAtMs: number;
}

/** A user to be added. */
export interface NewUserRecord extends Omit<UserRecord, 'id'> {
  /** Null: MySQL assigns the next number. */
  readonly id: UserId | null;
}

/** What an import may change about an existing user. Absent fields stay as they are. */
export interface UserUpdate {
  readonly passwordHash?: string;
  readonly email?: string | null;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly isActive?: false;
  /** Only moves the time forward. */
  readonly lastLoginAtMs?: number;
}

/** Changes that concern no session. */
export type ProfileUpdate = Omit<UserUpdate, 'passwordHash' | 'isActive'>;

export interface UserFilter {
  readonly inactiveOnly: boolean;
  /** A part of the name or e-mail, ignoring case; with `%` in it, a pattern for the whole. Null: any. */
  readonly like: string | null;
  readonly limit: number;
}

/** MySQL will never accept this user: the name or the id is taken, or a value doesn't fit its column. */
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

export type ActivityTable = 'login_activity' | 'logout_activity';

/** An operator's view of the users. Each method is one statement and throws `store_unavailable`. */
export interface UserAdmin {
  /** Null: no user has exactly this name; case, accents and trailing spaces count. */
  findByUsername(username: string): Promise<StoredUser | null>;
  findById(id: UserId): Promise<StoredUser | null>;
  /** In the order of their ids. */
  list(filter: UserFilter): Promise<StoredUser[]>;
  /** Users with one of these ids. */
  findByIds(ids: readonly UserId[]): Promise<StoredUser[]>;
  /** Users with one of these names, including names that differ in trailing spaces, which MySQL considers equal. */
  findByUsernames(usernames: readonly string[]): Promise<StoredUser[]>;
  /**
   * Adds all of them or none; all with ids or all without. Throws `UserRefusedError`. Repeating it after a lost
   * reply throws `isTaken`: the caller checks whether the row is its own.
   */
  insert(users: readonly NewUserRecord[]): Promise<void>;
  /** Replaces any hash. Safe to repeat. */
  setPasswordHash(id: UserId, passwordHash: string): Promise<void>;
  /** Safe to repeat. */
  setActive(id: UserId, isActive: boolean): Promise<void>;
  /** Changes a user whose hash is still `oldHash`. False: it isn't, so nothing was changed. */
  update(id: UserId, oldHash: string, changes: UserUpdate): Promise<boolean>;
  /** Throws `UserRefusedError`. Safe to repeat. */
  rename(id: UserId, username: string): Promise<void>;
  /** From now on no import gives out this id. Safe to repeat. */
  reserveId(id: UserId): Promise<void>;
  /** Which of these ids were reserved. */
  findReserved(ids: readonly UserId[]): Promise<ReadonlySet<UserId>>;
  /** Deletes the row of a user whose id is reserved. Safe to repeat. */
  delete(id: UserId): Promise<void>;
  /**
   * Removes name, address and user agent from up to `limit` of the user's rows in this table. Returns how many rows had
   * any of them; less than `limit`: no more do.
   */
  eraseActivity(table: ActivityTable, id: UserId, limit: number): Promise<number>;
  /** Changes all of them or none; a user who is gone is left out. Throws `UserRefusedError`. Safe to repeat. */
  updateProfiles(users: readonly { readonly id: UserId; readonly changes: ProfileUpdate }[]): Promise<void>;
}
