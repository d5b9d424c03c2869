import { describe, expect, test } from 'vitest';
import { post, usePlanetScale } from './use-planetscale.ts';

const planetscale = usePlanetScale();

describe('values', () => {
  test('of every type arrive as the client gives them', async () => {
    await planetscale.cloud.query(`CREATE TABLE types (
      i8 TINYINT, u8 TINYINT UNSIGNED, i16 SMALLINT, i24 MEDIUMINT, i32 INT, u32 INT UNSIGNED,
      i64 BIGINT, u64 BIGINT UNSIGNED, f32 FLOAT, f64 DOUBLE, dec_ DECIMAL(20,5), y YEAR, bits BIT(9),
      vc VARCHAR(50), ch CHAR(5), tx TEXT, bin_text VARCHAR(50) COLLATE utf8mb4_bin,
      vb VARBINARY(50), bi BINARY(3), bl BLOB,
      dt DATETIME(3), ts TIMESTAMP NULL, d DATE, t TIME, en ENUM('a','ö'), st SET('x','y'), js JSON
    )`);
    await planetscale.client.execute(`INSERT INTO types VALUES (
      -128, 255, -32768, -8388608, -2147483648, 4294967295,
      -9223372036854775808, 18446744073709551615, 1.5, 2.25, 12345678901234.56789, 2026, b'100000001',
      'é😀', 'ab', 'text', 'Bin ö',
      x'00ff80', x'010203', x'',
      '2026-11-23 10:20:30.123', '2026-11-23 10:20:30', '2026-02-28', '-12:34:56', 'ö', 'x,y', '{"a": [1, "ü"]}'
    )`);
    const { rows, fields } = await planetscale.client.execute('SELECT * FROM types');
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
      database: planetscale.cloud.databaseName,
      columnLength: 20,
      charset: 63,
    });
    expect(fields.find(({ name }) => name === 'dt')?.decimals).toBe(3);
    expect(fields.find(({ name }) => name === 'vc')?.charset).not.toBe(63);
  });

  test('may be NULL, alone, among others, and without a type', async () => {
    const { rows } = await planetscale.client.execute(
      "SELECT NULL AS a, 'x' AS b, CAST(NULL AS SIGNED) AS c",
    );
    expect(rows).toEqual([{ a: null, b: 'x', c: null }]);
    const { json } = await post(planetscale.cloud, 'Execute', { query: 'SELECT NULL AS a', session: null });
    expect(json['result']).toMatchObject({ fields: [{ name: 'a' }], rows: [{ lengths: ['-1'] }] });
    expect(JSON.stringify(json['result'])).not.toMatch(/values|"type"/);
  });

  test('an empty result has its fields and no rows', async () => {
    const { rows, fields, rowsAffected } = await planetscale.client.execute('SELECT id, name FROM people');
    expect(rows).toEqual([]);
    expect(rowsAffected).toBe(0);
    expect(fields.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'UINT64'],
      ['name', 'VARCHAR'],
    ]);
  });

  test('rows carry the bytes of all columns one after the other', async () => {
    const { json } = await post(planetscale.cloud, 'Execute', {
      query: "SELECT 'ab' AS a, NULL AS b, '' AS c, 'é' AS d",
      session: null,
    });
    expect(json['result']).toMatchObject({ rows: [{ lengths: ['2', '-1', '0', '2'], values: 'YWLDqQ==' }] });
  });

  test('placeholders are filled in by the client', async () => {
    const name = `O'Hara \\ ? "`;
    await planetscale.client.execute('INSERT INTO people (name, age) VALUES (?, ?)', [name, null]);
    expect(
      (await planetscale.client.execute('SELECT name, age FROM people WHERE name = ?', [name])).rows,
    ).toEqual([{ name, age: null }]);
  });

  test('time is UTC', async () => {
    const { rows } = await planetscale.client.execute(
      'SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW()) AS minutes',
    );
    expect(rows).toEqual([{ minutes: '0' }]);
  });
});
