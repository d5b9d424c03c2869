import { type Connection, connect } from '@planetscale/database';
import { describe, expect, test } from 'vitest';
import { openCloud } from '../../support/cloud.ts';
import { failureOf, names, post, usePlanetScale } from './use-planetscale.ts';

const planetscale = usePlanetScale();

async function waitingForLocks(): Promise<number> {
  const rows = await planetscale.cloud.query(
    "SELECT id FROM information_schema.processlist WHERE state = 'User lock' AND db = DATABASE()",
  );
  return rows.length;
}

describe('changes', () => {
  test('report the new id and how many rows they found', async () => {
    const first = await planetscale.client.execute("INSERT INTO people (name, age) VALUES ('a', 1)");
    expect(first).toMatchObject({ insertId: '1', rowsAffected: 1, rows: [] });
    expect(await planetscale.client.execute("INSERT INTO people (name) VALUES ('b'), ('c')")).toMatchObject({
      insertId: '2',
      rowsAffected: 2,
    });
    // Found, though not changed.
    expect(
      (await planetscale.client.execute("UPDATE people SET age = 1 WHERE name = 'a'")).rowsAffected,
    ).toBe(1);
    expect(
      (await planetscale.client.execute("UPDATE people SET age = 1 WHERE name = 'none'")).rowsAffected,
    ).toBe(0);
    expect((await planetscale.client.execute('DELETE FROM people')).rowsAffected).toBe(3);
  });

  test('of tables have an empty result', async () => {
    const { json } = await post(planetscale.cloud, 'Execute', {
      query: 'CREATE TABLE made (id INT)',
      session: null,
    });
    expect(json['result']).toEqual({});
    expect(json['timing']).toBeGreaterThan(0);
  });
});

describe('transactions', () => {
  test('commit, and are not seen before', async () => {
    const seen: unknown[] = [];
    await planetscale.client.transaction(async (tx) => {
      await tx.execute("INSERT INTO people (name) VALUES ('a')");
      seen.push(await names(planetscale.cloud), (await tx.execute('SELECT name FROM people')).rows);
    });
    expect(seen).toEqual([[], [{ name: 'a' }]]);
    expect(await names(planetscale.cloud)).toEqual(['a']);
  });

  test('roll back when the program throws', async () => {
    const failed = planetscale.client.transaction(async (tx) => {
      await tx.execute("INSERT INTO people (name) VALUES ('a')");
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await names(planetscale.cloud)).toEqual([]);
  });

  test('go on after an error in a statement', async () => {
    await planetscale.client.transaction(async (tx) => {
      await tx.execute("INSERT INTO people (name) VALUES ('a')");
      await failureOf(tx.execute("INSERT INTO people (name) VALUES ('a')"));
      await tx.execute("INSERT INTO people (name) VALUES ('b')");
    });
    expect(await names(planetscale.cloud)).toEqual(['a', 'b']);
  });

  test('of several sessions do not mix', async () => {
    const [one, two]: Connection[] = [
      planetscale.client.connection(),
      planetscale.client.connection(),
    ] as Connection[];
    await one?.execute('BEGIN');
    await two?.execute('BEGIN');
    await one?.execute("INSERT INTO people (name) VALUES ('one')");
    await two?.execute("INSERT INTO people (name) VALUES ('two')");
    await two?.execute('COMMIT');
    await one?.execute('ROLLBACK');
    expect(await names(planetscale.cloud)).toEqual(['two']);
  });

  test('are lost after their idle time, which the next statement reports', async () => {
    const hasty = await openCloud({ schema: false, sessionIdleMs: 1_000 });
    try {
      await hasty.query('CREATE TABLE t (id INT PRIMARY KEY)');
      const connection = connect({ url: hasty.env.DATABASE_URL });
      await connection.execute('BEGIN');
      await connection.execute('INSERT INTO t VALUES (1)');
      // Waits for the lock of the open transaction, which goes with it.
      await hasty.query('INSERT INTO t VALUES (1)');
      const error = await failureOf(connection.execute('COMMIT'));
      expect(error.body.code).toBe('ABORTED');
      expect(error.message).toContain('(errno 1317) (sqlstate 70100)');
      expect((await connection.execute('SELECT id FROM t')).rows).toEqual([{ id: 1 }]);
    } finally {
      await hasty.stop();
    }
  });
});

describe('sessions', () => {
  test('keep what SET changes, and the last id', async () => {
    const connection = planetscale.client.connection();
    await connection.execute('SET @mine = 7');
    expect((await connection.execute('SELECT @mine AS mine')).rows).toEqual([{ mine: '7' }]);
    expect((await planetscale.client.execute('SELECT @mine AS mine')).rows).toEqual([{ mine: null }]);
    const other = planetscale.client.connection();
    await other.execute("INSERT INTO people (name) VALUES ('a')");
    expect((await other.execute('SELECT LAST_INSERT_ID() AS id')).rows).toEqual([{ id: '1' }]);
  });

  test('are opened by CreateSession', async () => {
    const connection = planetscale.client.connection();
    await connection.refresh();
    expect((await connection.execute('SELECT 1 + 1 AS two')).rows).toHaveLength(1);
  });

  test('refuse a second request while the first is at work', async () => {
    const { json } = await post(planetscale.cloud, 'CreateSession', {});
    const session: unknown = json['session'];
    const holder = planetscale.client.connection();
    await holder.execute("SELECT GET_LOCK('session gate', 5)");
    const first = post(planetscale.cloud, 'Execute', {
      query: "SELECT GET_LOCK('session gate', 5)",
      session,
    });
    await expect.poll(() => waitingForLocks(), { interval: 5 }).toBe(1);
    const second = await post(planetscale.cloud, 'Execute', { query: 'SELECT 2', session });
    expect(second).toMatchObject({ status: 403, json: { error: { code: 'permission_denied' } } });
    expect(second.json['error']).toMatchObject({
      message: expect.stringMatching(/^session already in use: /) as string,
    });
    await holder.execute("SELECT RELEASE_LOCK('session gate')");
    expect((await first).status).toBe(200);
  });
});
