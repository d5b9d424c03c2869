import { Client, type Connection, DatabaseError, connect } from '@planetscale/database';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openCloud } from '../support/cloud.ts';

let cloud: CloudProxy;
let client: Client;

beforeAll(async () => {
  cloud = await openCloud({ schema: false });
  client = new Client({ url: cloud.env.DATABASE_URL });
  await cloud.query(`CREATE TABLE people (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(20) NOT NULL UNIQUE,
    age INT,
    CONSTRAINT age_is_possible CHECK (age >= 0)
  )`);
});
beforeEach(async () => {
  await cloud.query('TRUNCATE TABLE people');
  cloud.calls.length = 0;
});
afterAll(() => cloud.stop());

async function post(method: string, body: unknown, headers: Record<string, string> = {}) {
  const url = new URL(cloud.env.DATABASE_URL);
  const response = await fetch(`http://${url.host}/psdb.v1alpha1.Database/${method}`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${url.username}:${url.password}`)}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, never> };
}

async function failureOf(promise: Promise<unknown>): Promise<DatabaseError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DatabaseError)) throw new Error('expected a DatabaseError', { cause: error });
  return error;
}

async function names(): Promise<unknown[]> {
  return (await cloud.query('SELECT name FROM people ORDER BY id')).map((row) => row['name']);
}

async function waitingForLocks(): Promise<number> {
  const rows = await cloud.query(
    "SELECT id FROM information_schema.processlist WHERE state = 'User lock' AND db = DATABASE()",
  );
  return rows.length;
}

describe('values', () => {
  test('of every type arrive as the client gives them', async () => {
    await cloud.query(`CREATE TABLE types (
      i8 TINYINT, u8 TINYINT UNSIGNED, i16 SMALLINT, i24 MEDIUMINT, i32 INT, u32 INT UNSIGNED,
      i64 BIGINT, u64 BIGINT UNSIGNED, f32 FLOAT, f64 DOUBLE, dec_ DECIMAL(20,5), y YEAR, bits BIT(9),
      vc VARCHAR(50), ch CHAR(5), tx TEXT, bin_text VARCHAR(50) COLLATE utf8mb4_bin,
      vb VARBINARY(50), bi BINARY(3), bl BLOB,
      dt DATETIME(3), ts TIMESTAMP NULL, d DATE, t TIME, en ENUM('a','ö'), st SET('x','y'), js JSON
    )`);
    await client.execute(`INSERT INTO types VALUES (
      -128, 255, -32768, -8388608, -2147483648, 4294967295,
      -9223372036854775808, 18446744073709551615, 1.5, 2.25, 12345678901234.56789, 2026, b'100000001',
      'é😀', 'ab', 'text', 'Bin ö',
      x'00ff80', x'010203', x'',
      '2026-11-23 10:20:30.123', '2026-11-23 10:20:30', '2026-02-28', '-12:34:56', 'ö', 'x,y', '{"a": [1, "ü"]}'
    )`);
    const { rows, fields } = await client.execute('SELECT * FROM types');
    expect(rows).toEqual([
      {
        i8: -128,
        u8: 255,
        i16: -32768,
        i24: -8388608,
        i32: -2147483648,
        u32: 4294967295,
        i64: '-9223372036854775808',
        u64: '18446744073709551615',
        f32: 1.5,
        f64: 2.25,
        dec_: '12345678901234.56789',
        y: 2026,
        bits: new Uint8Array([1, 1]),
        vc: 'é😀',
        ch: 'ab',
        tx: 'text',
        bin_text: 'Bin ö',
        vb: new Uint8Array([0, 255, 128]),
        bi: new Uint8Array([1, 2, 3]),
        bl: new Uint8Array([]),
        dt: '2026-11-23 10:20:30.123',
        ts: '2026-11-23 10:20:30',
        d: '2026-02-28',
        t: '-12:34:56',
        en: 'ö',
        st: 'x,y',
        js: { a: [1, 'ü'] },
      },
    ]);
    expect(Object.fromEntries(fields.map(({ name, type }) => [name, type]))).toEqual({
      i8: 'INT8',
      u8: 'UINT8',
      i16: 'INT16',
      i24: 'INT24',
      i32: 'INT32',
      u32: 'UINT32',
      i64: 'INT64',
      u64: 'UINT64',
      f32: 'FLOAT32',
      f64: 'FLOAT64',
      dec_: 'DECIMAL',
      y: 'YEAR',
      bits: 'BIT',
      vc: 'VARCHAR',
      ch: 'CHAR',
      tx: 'TEXT',
      bin_text: 'VARBINARY',
      vb: 'VARBINARY',
      bi: 'BINARY',
      bl: 'BLOB',
      dt: 'DATETIME',
      ts: 'TIMESTAMP',
      d: 'DATE',
      t: 'TIME',
      en: 'ENUM',
      st: 'SET',
      js: 'JSON',
    });
    expect(fields.find(({ name }) => name === 'u64')).toMatchObject({
      table: 'types',
      orgTable: 'types',
      orgName: 'u64',
      database: cloud.databaseName,
      columnLength: 20,
      charset: 63,
    });
    expect(fields.find(({ name }) => name === 'dt')?.decimals).toBe(3);
    expect(fields.find(({ name }) => name === 'vc')?.charset).not.toBe(63);
  });

  test('may be NULL, alone, among others, and without a type', async () => {
    const { rows } = await client.execute("SELECT NULL AS a, 'x' AS b, CAST(NULL AS SIGNED) AS c");
    expect(rows).toEqual([{ a: null, b: 'x', c: null }]);
    const { json } = await post('Execute', { query: 'SELECT NULL AS a', session: null });
    expect(json['result']).toMatchObject({ fields: [{ name: 'a' }], rows: [{ lengths: ['-1'] }] });
    expect(JSON.stringify(json['result'])).not.toMatch(/values|"type"/);
  });

  test('an empty result has its fields and no rows', async () => {
    const { rows, fields, rowsAffected } = await client.execute('SELECT id, name FROM people');
    expect(rows).toEqual([]);
    expect(rowsAffected).toBe(0);
    expect(fields.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'UINT64'],
      ['name', 'VARCHAR'],
    ]);
  });

  test('rows carry the bytes of all columns one after the other', async () => {
    const { json } = await post('Execute', {
      query: "SELECT 'ab' AS a, NULL AS b, '' AS c, 'é' AS d",
      session: null,
    });
    expect(json['result']).toMatchObject({ rows: [{ lengths: ['2', '-1', '0', '2'], values: 'YWLDqQ==' }] });
  });

  test('placeholders are filled in by the client', async () => {
    const name = `O'Hara \\ ? "`;
    await client.execute('INSERT INTO people (name, age) VALUES (?, ?)', [name, null]);
    expect((await client.execute('SELECT name, age FROM people WHERE name = ?', [name])).rows).toEqual([
      { name, age: null },
    ]);
  });

  test('time is UTC', async () => {
    const { rows } = await client.execute('SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW()) AS minutes');
    expect(rows).toEqual([{ minutes: '0' }]);
  });
});

describe('changes', () => {
  test('tell the new id and how many rows they found', async () => {
    const first = await client.execute("INSERT INTO people (name, age) VALUES ('a', 1)");
    expect(first).toMatchObject({ insertId: '1', rowsAffected: 1, rows: [] });
    expect(await client.execute("INSERT INTO people (name) VALUES ('b'), ('c')")).toMatchObject({
      insertId: '2',
      rowsAffected: 2,
    });
    // Found, though not changed.
    expect((await client.execute("UPDATE people SET age = 1 WHERE name = 'a'")).rowsAffected).toBe(1);
    expect((await client.execute("UPDATE people SET age = 1 WHERE name = 'none'")).rowsAffected).toBe(0);
    expect((await client.execute('DELETE FROM people')).rowsAffected).toBe(3);
  });

  test('of tables have an empty result', async () => {
    const { json } = await post('Execute', { query: 'CREATE TABLE made (id INT)', session: null });
    expect(json['result']).toEqual({});
    expect(json['timing']).toBeGreaterThan(0);
  });
});

describe('transactions', () => {
  test('commit, and are not seen before', async () => {
    const seen: unknown[] = [];
    await client.transaction(async (tx) => {
      await tx.execute("INSERT INTO people (name) VALUES ('a')");
      seen.push(await names(), (await tx.execute('SELECT name FROM people')).rows);
    });
    expect(seen).toEqual([[], [{ name: 'a' }]]);
    expect(await names()).toEqual(['a']);
  });

  test('roll back when the program throws', async () => {
    const failed = client.transaction(async (tx) => {
      await tx.execute("INSERT INTO people (name) VALUES ('a')");
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await names()).toEqual([]);
  });

  test('go on after an error in a statement', async () => {
    await client.transaction(async (tx) => {
      await tx.execute("INSERT INTO people (name) VALUES ('a')");
      await failureOf(tx.execute("INSERT INTO people (name) VALUES ('a')"));
      await tx.execute("INSERT INTO people (name) VALUES ('b')");
    });
    expect(await names()).toEqual(['a', 'b']);
  });

  test('of several sessions do not mix', async () => {
    const [one, two]: Connection[] = [client.connection(), client.connection()] as Connection[];
    await one?.execute('BEGIN');
    await two?.execute('BEGIN');
    await one?.execute("INSERT INTO people (name) VALUES ('one')");
    await two?.execute("INSERT INTO people (name) VALUES ('two')");
    await two?.execute('COMMIT');
    await one?.execute('ROLLBACK');
    expect(await names()).toEqual(['two']);
  });

  test('are lost after their idle time, which the next statement tells', async () => {
    const hasty = await openCloud({ schema: false, sessionIdleMs: 50 });
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
    const connection = client.connection();
    await connection.execute('SET @mine = 7');
    expect((await connection.execute('SELECT @mine AS mine')).rows).toEqual([{ mine: '7' }]);
    expect((await client.execute('SELECT @mine AS mine')).rows).toEqual([{ mine: null }]);
    const other = client.connection();
    await other.execute("INSERT INTO people (name) VALUES ('a')");
    expect((await other.execute('SELECT LAST_INSERT_ID() AS id')).rows).toEqual([{ id: '1' }]);
  });

  test('are opened by CreateSession', async () => {
    const connection = client.connection();
    await connection.refresh();
    expect((await connection.execute('SELECT 1 + 1 AS two')).rows).toHaveLength(1);
  });

  test('refuse a second request while the first is at work', async () => {
    const { json } = await post('CreateSession', {});
    const session: unknown = json['session'];
    const holder = client.connection();
    await holder.execute("SELECT GET_LOCK('session gate', 5)");
    const first = post('Execute', { query: "SELECT GET_LOCK('session gate', 5)", session });
    await expect.poll(() => waitingForLocks(), { interval: 5 }).toBe(1);
    const second = await post('Execute', { query: 'SELECT 2', session });
    expect(second).toMatchObject({ status: 403, json: { error: { code: 'permission_denied' } } });
    expect(second.json['error']).toMatchObject({
      message: expect.stringMatching(/^session already in use: /) as string,
    });
    await holder.execute("SELECT RELEASE_LOCK('session gate')");
    expect((await first).status).toBe(200);
  });
});

describe('errors', () => {
  beforeEach(() => cloud.query("INSERT INTO people (name) VALUES ('a')"));

  test.each([
    ["INSERT INTO people (name) VALUES ('a')", 'ALREADY_EXISTS', 'AlreadyExists', 1062, '23000'],
    ['SELECT * FROM missing', 'NOT_FOUND', 'NotFound', 1146, '42S02'],
    ['SELECT missing FROM people', 'NOT_FOUND', 'NotFound', 1054, '42S22'],
    [
      "INSERT INTO people (name) VALUES (REPEAT('x', 21))",
      'INVALID_ARGUMENT',
      'InvalidArgument',
      1406,
      '22001',
    ],
    ['INSERT INTO people (name) VALUES (NULL)', 'INVALID_ARGUMENT', 'InvalidArgument', 1048, '23000'],
    ['INSERT INTO people (age) VALUES (1)', 'FAILED_PRECONDITION', 'FailedPrecondition', 1364, 'HY000'],
    ["INSERT INTO people (name, age) VALUES ('b', -1)", 'UNKNOWN', 'Unknown', 3819, 'HY000'],
    ['SELEKT 1', 'INVALID_ARGUMENT', 'InvalidArgument', 1064, '42000'],
    ['SELECT 1; SELECT 2', 'INVALID_ARGUMENT', 'InvalidArgument', 1064, '42000'],
    ['SELECT name, COUNT(*) FROM people', 'INVALID_ARGUMENT', 'InvalidArgument', 1140, '42000'],
  ])('%s', async (sql, code, grpcCode, errno, sqlState) => {
    const error = await failureOf(client.execute(sql));
    expect(error.status).toBe(400);
    expect(error.body.code).toBe(code);
    expect(error.message).toContain(
      `target: ${cloud.databaseName}.0.primary: vttablet: rpc error: code = ${grpcCode}`,
    );
    expect(error.message).toContain(`(errno ${errno}) (sqlstate ${sqlState}) (CallerID: local)`);
    expect(error.message).toContain(`Sql: ${JSON.stringify(sql)}`);
  });

  test('come with status 200 and the session', async () => {
    const { status, json } = await post('Execute', { query: 'SELECT * FROM missing', session: null });
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(['error', 'session', 'timing']);
  });

  test('wrong credentials get 401', async () => {
    for (const authorization of ['', 'Basic bm9ib2R5Om5vdGhpbmc=', 'Bearer x']) {
      const { status, json } = await post('Execute', { query: 'DELETE FROM people' }, { authorization });
      expect(status).toBe(401);
      expect(json).toEqual({ error: { code: 'unauthenticated', message: 'invalid auth credentials' } });
    }
    const url = new URL(cloud.env.DATABASE_URL);
    url.password = 'wrong';
    expect((await failureOf(connect({ url: url.href }).execute('SELECT 1'))).status).toBe(401);
    expect(await names()).toEqual(['a']);
  });

  test('bodies that are no query get 400, other methods 404', async () => {
    expect((await post('Execute', 'no json')).status).toBe(400);
    expect((await post('Execute', { query: 7 })).status).toBe(400);
    expect((await post('StreamExecute', { query: 'SELECT 1' })).status).toBe(404);
  });
});
