import { describe, expect, test } from 'vitest';
import type { UserId } from '../../src/lib/ids.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { describeUserStore } from './user-store-suite.ts';

const environment = useCloud();

describeUserStore('users in memory', async () => {
  const { users } = openMemoryStores().stores;
  return { users, add: async (user) => users.add(user) };
});

describeUserStore('users in MySQL', async () => {
  await environment.cloud.query('DELETE FROM users');
  return {
    users: openCloudStores(environment.cloud).users,
    add: async ({ username, passwordHash, isActive = true }) => {
      await environment.cloud.query(
        'INSERT INTO users (username, password_hash, is_active) VALUES (?, ?, ?)',
        [username, passwordHash, isActive ? 1 : 0],
      );
      const [row] = await environment.cloud.query('SELECT id FROM users WHERE username = ?', [username]);
      return { id: String(row?.['id']) as UserId, username, passwordHash, isActive };
    },
  };
});

describe('MySQL user store, its rows', () => {
  test('a row with only a name and a hash is a user who may sign in', async () => {
    await environment.cloud.query("INSERT INTO users (username, password_hash) VALUES ('minimal', 'hash')");
    const user = await openCloudStores(environment.cloud).users.findByUsername('minimal');
    expect(user).toMatchObject({ isActive: true });
  });

  test('finds a name in one statement, by the index', async () => {
    const names = Array.from({ length: 500 }, (_, i) => `indexed ${i}`);
    await environment.cloud.query(
      `INSERT INTO users (username, password_hash) VALUES ${names.map(() => "(?, 'hash')").join(', ')}`,
      names,
    );
    await environment.cloud.query('ANALYZE TABLE users');
    environment.cloud.calls.length = 0;
    await openCloudStores(environment.cloud).users.findByUsername('ｉndexed 7 ');
    const statements = environment.cloud.calls.flatMap((call) =>
      call.store === 'mysql' && call.sql !== '' ? [call.sql] : [],
    );
    expect(statements).toHaveLength(1);
    const [plan] = await environment.cloud.query(`EXPLAIN FORMAT=TRADITIONAL ${statements[0]}`);
    expect(plan).toMatchObject({ type: 'range', key: 'users_username', rows: '2' });
  });

  test('keeps the digits of an id beyond 2^53', async () => {
    const id = '18446744073709551615';
    await environment.cloud.query(
      "INSERT INTO users (id, username, password_hash) VALUES (?, 'great', 'hash')",
      [id],
    );
    const { users } = openCloudStores(environment.cloud);
    expect(await users.findByUsername('great')).toMatchObject({ id });
    expect(await users.findById(id as UserId)).toMatchObject({ username: 'great' });
  });
});
