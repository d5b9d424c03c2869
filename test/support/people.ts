import { vi } from 'vitest';
import { hashPassword } from '../../src/auth/password.ts';
import { unknownName } from '../../src/auth/username.ts';
import type { CloudProxy, Row } from '../../tools/local-cloud/proxy.ts';
import { BACKGROUND_DEADLINE_MS, SECRET_KEY } from './worker.ts';

export const PASSWORD = 'correct horse battery staple';

/** One for the whole file: each takes a tenth of a second. */
let sharedHash: Promise<string> | null = null;

export interface TestUser {
  id: string;
  username: string;
  password: string;
}

export interface NewUser {
  username?: string;
  /** Default: the hash of PASSWORD in the format that the service writes, cost 10. */
  passwordHash?: string;
  isActive?: boolean;
}

let people = 0;

/** Adds a user that no other test has. */
export async function addUser(cloud: CloudProxy, wanted: NewUser = {}): Promise<TestUser> {
  people += 1;
  const username = wanted.username ?? `person-${people}`;
  const passwordHash = wanted.passwordHash ?? (await (sharedHash ??= hashPassword(PASSWORD, 10)));
  await cloud.query('INSERT INTO users (username, password_hash, is_active) VALUES (?, ?, ?)', [
    username,
    passwordHash,
    wanted.isActive === false ? 0 : 1,
  ]);
  const [row] = await cloud.query('SELECT id FROM users WHERE BINARY username = ?', [username]);
  return { id: String(row?.['id']), username, password: PASSWORD };
}

/** This user's log-outs, oldest first. For those not written yet, see `TestWorker.delivered`. */
export function logoutRows(cloud: CloudProxy, user: TestUser): Promise<Row[]> {
  return cloud.query('SELECT * FROM logout_activity WHERE user_id = ? ORDER BY logged_out_at, id', [user.id]);
}

/** Sign-in attempts under this name, oldest first. */
export function loginRows(cloud: CloudProxy, username: string): Promise<Row[]> {
  return cloud.query('SELECT * FROM login_activity WHERE BINARY username = ? ORDER BY occurred_at, id', [
    username,
  ]);
}

/** What is recorded in the place of this name if no user has it. */
export const unknownNameOf = (username: string): string => unknownName(username, SECRET_KEY);

/** Polls until the probe doesn't throw: background work takes time. */
export function eventually<T>(probe: () => Promise<T> | T, timeout = BACKGROUND_DEADLINE_MS): Promise<T> {
  return vi.waitFor(async () => await probe(), { timeout, interval: 20 });
}
