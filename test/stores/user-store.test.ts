import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UserId } from '../../src/lib/ids.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { openCloud } from '../support/cloud.ts';
import { openCloudStores } from './open-cloud-stores.ts';
import { describeUserStore } from './user-store-suite.ts';

let cloud: CloudProxy;
beforeAll(async () => {
  cloud = await openCloud();
});
afterAll(() => cloud.stop());

describeUserStore('users in memory', async () => {
  const { users } = openMemoryStores().stores;
  return { users, add: async (user) => users.add(user) };
});

describeUserStore('users in MySQL', async () => {
  await cloud.query('DELETE FROM users');
  return {
    users: openCloudStores(cloud).users,
    add: async ({ username, passwordHash, isActive = true }) => {
      await cloud.query('INSERT INTO users (username, password_hash, is_active) VALUES (?, ?, ?)', [
        username,
        passwordHash,
        isActive ? 1 : 0,
      ]);
      const [row] = await cloud.query('SELECT id FROM users WHERE username = ?', [username]);
      return { id: String(row?.['id']) as UserId, username, passwordHash, isActive };
    },
  };
});

describe('MySQL user store, its rows', () => {
  test('a row with only a name and a hash is a user who may sign in', async () => {
    await cloud.query("INSERT INTO users (username, password_hash) VALUES ('minimal', 'hash')");
    const user = await openCloudStores(cloud).users.findByUsername('minimal');
    expect(user).toMatchObject({ isActive: true });
  });

  test('finds a name in one statement, by the index', async () => {
    const names = Array.from({ length: 500 }, (_, i) => `indexed ${i}`);
    await cloud.query(
      `INSERT INTO users (username, password_hash) VALUES ${names.map(() => "(?, 'hash')").join(', ')}`,
      names,
    );
    await cloud.query('ANALYZE TABLE users');
    cloud.calls.length = 0;
    await openCloudStores(cloud).users.findByUsername('ｉndexed 7 ');
    const statements = cloud.calls.flatMap((call) =>
      call.store === 'mysql' && call.sql !== '' ? [call.sql] : [],
    );
    expect(statements).toHaveLength(1);
    const [plan] = await cloud.query(`EXPLAIN FORMAT=TRADITIONAL ${statements[0]}`);
    expect(plan).toMatchObject({ type: 'range', key: 'users_username', rows: '2' });
  });

  test('keeps the digits of an id beyond 2^53', async () => {
    const id = '18446744073709551615';
    await cloud.query("INSERT INTO users (id, username, password_hash) VALUES (?, 'great', 'hash')", [id]);
    const { users } = openCloudStores(cloud);
    expect(await users.findByUsername('great')).toMatchObject({ id });
    expect(await users.findById(id as UserId)).toMatchObject({ username: 'great' });
  });
});
