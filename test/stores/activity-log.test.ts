import { Client } from '@planetscale/database';
import { beforeEach, describe, expect, test } from 'vitest';
import { EventRefusedError } from '../../src/activity/activity-log.ts';
import type { LoginActivity, LogoutActivity } from '../../src/activity/events.ts';
import type { UserId } from '../../src/lib/ids.ts';
import { fromSqlTime } from '../../src/store/sql-time.ts';
import type { Row } from '../../tools/local-cloud/proxy.ts';
import { openMemoryStores } from '../fakes/memory-stores.ts';
import { STORE_UNAVAILABLE } from '../fakes/outage.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { describeActivityLog } from './activity-log-suite.ts';
import { openCloudStores } from './open-cloud-stores.ts';

const environment = useCloud();

async function emptyTables(): Promise<void> {
  for (const table of ['users', 'logout_activity', 'login_activity']) {
    await environment.cloud.query(`DELETE FROM ${table}`);
  }
  for (const table of constrained)
    await environment.cloud.query(`ALTER TABLE ${table} DROP CONSTRAINT operators_own`);
  constrained.clear();
}

/** Tables that have the operator's constraint now. */
const constrained = new Set<string>();

async function constrain(table: string, condition: string): Promise<void> {
  await environment.cloud.query(`ALTER TABLE ${table} ADD CONSTRAINT operators_own CHECK (${condition})`);
  constrained.add(table);
}

describeActivityLog('activity log in memory', async () => {
  const { activityLog: log, users } = openMemoryStores().stores;
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  return {
    log,
    logouts: async () => [...log.logouts.values()].sort(byId),
    logins: async () => [...log.logins.values()].sort(byId),
    addUser: async (username, id) => users.add({ username, ...(id === undefined ? {} : { id }) }).id,
    lastLoginAtMs: async (id) => users.lastLoginAtMs(id),
    forbidUsername: async (username) => {
      log.forbids = (event) => event.username === username;
    },
  };
});

describeActivityLog('activity log in MySQL', async () => {
  await emptyTables();
  return {
    log: openCloudStores(environment.cloud).activityLog,
    logouts: async () =>
      (await environment.cloud.query('SELECT * FROM logout_activity ORDER BY id')).map(readLogout),
    logins: async () =>
      (await environment.cloud.query('SELECT * FROM login_activity ORDER BY id')).map(readLogin),
    addUser: async (username, id) => {
      // For null, MySQL makes an id.
      const values = [id ?? null, username];
      await environment.cloud.query(
        "INSERT INTO users (id, username, password_hash) VALUES (?, ?, '!')",
        values,
      );
      const [row] = await environment.cloud.query('SELECT id FROM users WHERE username = ?', [username]);
      return String(row?.['id']) as UserId;
    },
    lastLoginAtMs: async (id) => {
      const [row] = await environment.cloud.query('SELECT last_login_at FROM users WHERE id = ?', [id]);
      return fromSqlTime(row?.['last_login_at']);
    },
    forbidUsername: (username) => constrain('logout_activity', `username <> '${username}'`),
  };
});

describe('MySQL activity log, its statements', () => {
  test('the time of a login is written by primary key, without scanning all users', async () => {
    await emptyTables();
    for (let i = 1; i <= 200; i += 1)
      await environment.cloud.query("INSERT INTO users (id, username, password_hash) VALUES (?, ?, '!')", [
        i,
        `u${i}`,
      ]);
    environment.cloud.calls.length = 0;
    const { activityLog } = openCloudStores(environment.cloud);
    await activityLog.writeLogins(['7', '8'].map((id) => sampleLogin(Date.now(), { userId: id as UserId })));
    const updates = environment.cloud.calls.flatMap((call) => (call.store === 'mysql' ? call.sql : []));
    const update = updates.find((sql) => /^\s*UPDATE users/i.test(sql)) ?? '';
    const connection = new Client({ url: environment.cloud.env.DATABASE_URL }).connection();
    // Keeps the session on one connection, as each connection has its own counters.
    await connection.execute('SET @kept = 1');
    const rowsRead = async (): Promise<number> => {
      const { rows } = await connection.execute("SHOW SESSION STATUS LIKE 'Handler_read%'");
      return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0);
    };
    const before = await rowsRead();
    await connection.execute(update);
    expect((await rowsRead()) - before).toBeLessThan(100);
  });
});

describe('MySQL activity log, faults that a retry may get past', () => {
  beforeEach(emptyTables);
  const write = () => openCloudStores(environment.cloud).activityLog.writeLogouts([sampleLogout(Date.now())]);

  test('a missing table', async () => {
    await environment.cloud.query('RENAME TABLE logout_activity TO elsewhere');
    await expect(write()).rejects.toMatchObject(STORE_UNAVAILABLE);
    await environment.cloud.query('RENAME TABLE elsewhere TO logout_activity');
    await write();
  });

  test('a missing column', async () => {
    await environment.cloud.query('ALTER TABLE logout_activity RENAME COLUMN country TO land');
    await expect(write()).rejects.toMatchObject(STORE_UNAVAILABLE);
    await environment.cloud.query('ALTER TABLE logout_activity RENAME COLUMN land TO country');
    await write();
  });

  test('a read-only database', async () => {
    environment.cloud.faults.set('mysql', {
      kind: 'status',
      status: 200,
      body: JSON.stringify({
        error: {
          code: 'UNKNOWN',
          message:
            'target: x.0.primary: vttablet: rpc error: code = Unknown desc = The MySQL server is running with the ' +
            '--read-only option (errno 1290) (sqlstate HY000): Sql: "insert ... (errno 1406) (sqlstate 22001)"',
        },
      }),
    });
    await expect(write()).rejects.toMatchObject(STORE_UNAVAILABLE);
    environment.cloud.faults.clear();
  });

  test('but a user row that refuses the time of a login refuses the event for good', async () => {
    await environment.cloud.query("INSERT INTO users (id, username, password_hash) VALUES (1, 'ann', '!')");
    await constrain('users', 'last_login_at IS NULL');
    const login = sampleLogin(Date.now(), { userId: '1' as UserId });
    const { activityLog } = openCloudStores(environment.cloud);
    await expect(activityLog.writeLogins([login])).rejects.toThrow(EventRefusedError);
  });
});

const readClient = (row: Row) => ({
  ipAddress: row['ip_address'] as string | null,
  userAgent: row['user_agent'] as string | null,
  country: row['country'] as string | null,
});

const readLogout = (row: Row): LogoutActivity =>
  ({
    type: 'logout',
    id: row['id'],
    userId: row['user_id'],
    username: row['username'],
    sessionId: row['session_id'],
    reason: row['reason'],
    client: readClient(row),
    loggedOutAtMs: fromSqlTime(row['logged_out_at']),
  }) as LogoutActivity;

const readLogin = (row: Row): LoginActivity =>
  ({
    type: 'login',
    id: row['id'],
    userId: row['user_id'],
    username: row['username'],
    outcome: row['outcome'],
    sessionId: row['session_id'],
    client: readClient(row),
    occurredAtMs: fromSqlTime(row['occurred_at']),
  }) as LoginActivity;
