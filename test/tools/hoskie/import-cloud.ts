import { pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { CloudProxy, Row } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';
import { runJson } from './run-cli.ts';

export interface ReportJson {
  read: number;
  added: number;
  updated: number;
  unchanged: number;
  kept_passwords: number;
  sessions_ended: number;
  skipped: { place: string; username: string | null; reason: string }[];
  without_password: { username: string; reason: string }[];
  refusal_floor_ms: number | null;
}

/** As `dumpdata` writes a user; `pk` undefined: with natural keys. */
export const entry = (pk: unknown, fields: Record<string, unknown>) => ({
  model: 'auth.user',
  ...(pk === undefined ? {} : { pk }),
  fields: { password: '!', is_active: true, ...fields },
});

/** As Django's hashers write them, with few iterations for speed. */
export function djangoPbkdf2(password: string): string {
  const hash = pbkdf2Sync(password, 'saltsaltsalt', 1000, 32, 'sha256').toString('base64');
  return `pbkdf2_sha256$1000$saltsaltsalt$${hash}`;
}
export const djangoBcrypt = (password: string): string => `bcrypt$${bcrypt.hashSync(password, 4)}`;

/** A cloud without users for each test, and what import tests do with it. */
export function openImportCloud() {
  let cloud: CloudProxy;
  let directory: string;
  beforeAll(async () => {
    cloud = await openCloud();
    directory = mkdtempSync(join(tmpdir(), 'hoskie-'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await cloud.stop();
  });
  beforeEach(async () => {
    await cloud.query('TRUNCATE users');
    await cloud.query('TRUNCATE deleted_users');
    await cloud.redis.flushdb();
  });

  const users = (): Promise<Row[]> => cloud.query('SELECT * FROM users ORDER BY id');
  return {
    cloud: () => cloud,
    users,
    hashOf: async (username: string): Promise<string> =>
      String((await users()).find((row) => row['username'] === username)?.['password_hash']),
    /** Writes a file of that name; text unchanged, anything else as JSON. Returns its path. */
    write: (name: string, content: unknown): string => {
      const path = join(directory, name);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    },
    imported: (path: string, exitCode = 0, ...args: string[]): Promise<ReportJson> =>
      runJson<ReportJson>(cloud, ['user', 'import', path, ...args], { exitCode }),
  };
}
