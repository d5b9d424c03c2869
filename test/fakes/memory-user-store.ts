import type { User, UserStore } from '../../src/auth/user-store.ts';
import { normalizeUsername } from '../../src/auth/username.ts';
import type { UserId } from '../../src/lib/ids.ts';
import { Outage } from './outage.ts';

interface StoredUser extends User {
  lastLoginAtMs: number | null;
}

/** Users in memory. As in the table, names are unique regardless of trailing spaces. */
export class MemoryUserStore implements UserStore {
  readonly #users = new Map<UserId, StoredUser>();
  readonly #outage: Outage;

  constructor(outage: Outage = new Outage()) {
    this.#outage = outage;
  }

  /** Adds a user, as the operator does; throws for a name that is taken. */
  add(user: Pick<User, 'username'> & Partial<User>): User {
    const { username, passwordHash = '!', isActive = true } = user;
    if ([...this.#users.values()].some((each) => withoutPadding(each.username) === withoutPadding(username)))
      throw new Error(`the name is taken: ${username}`);
    const id = user.id ?? (String(this.#users.size + 1) as UserId);
    this.#users.set(id, { id, username, passwordHash, isActive, lastLoginAtMs: null });
    return { id, username, passwordHash, isActive };
  }

  setActive(id: UserId, isActive: boolean): void {
    const user = this.#users.get(id);
    if (user !== undefined) this.#users.set(id, { ...user, isActive });
  }

  findByUsername(username: string): Promise<User | null> {
    return this.#outage.during('database', () => {
      const users = [...this.#users.values()];
      const user = [username, normalizeUsername(username)].flatMap((name) =>
        users.filter((each) => each.username === name),
      )[0];
      return user === undefined ? null : toUser(user);
    });
  }

  findById(id: UserId): Promise<User | null> {
    return this.#outage.during('database', () => {
      const user = this.#users.get(id);
      return user === undefined ? null : toUser(user);
    });
  }

  ping(): Promise<void> {
    return this.#outage.during('database', () => undefined);
  }

  replacePasswordHash(id: UserId, oldHash: string, newHash: string): Promise<boolean> {
    return this.#outage.during('database', () => {
      const user = this.#users.get(id);
      if (user === undefined || user.passwordHash !== oldHash) return false;
      this.#users.set(id, { ...user, passwordHash: newHash });
      return true;
    });
  }

  lastLoginAtMs(id: UserId): number | null {
    return this.#users.get(id)?.lastLoginAtMs ?? null;
  }

  /** What the activity log does to the table of users. */
  moveLastLogin(id: UserId, atMs: number): void {
    const user = this.#users.get(id);
    if (user !== undefined) user.lastLoginAtMs = Math.max(user.lastLoginAtMs ?? atMs, atMs);
  }
}

const withoutPadding = (name: string): string => name.replace(/ +$/, '');

const toUser = ({ id, username, passwordHash, isActive }: StoredUser): User => ({
  id,
  username,
  passwordHash,
  isActive,
});
