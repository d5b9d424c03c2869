import { connect } from '@planetscale/database';
import { beforeEach, describe, expect, test } from 'vitest';
import { failureOf, names, post, usePlanetScale } from './use-planetscale.ts';

const planetscale = usePlanetScale();

describe('errors', () => {
  beforeEach(() => planetscale.cloud.query("INSERT INTO people (name) VALUES ('a')"));

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
    const error = await failureOf(planetscale.client.execute(sql));
    expect(error.status).toBe(400);
    expect(error.body.code).toBe(code);
    expect(error.message).toContain(
      `target: ${planetscale.cloud.databaseName}.0.primary: vttablet: rpc error: code = ${grpcCode}`,
    );
    expect(error.message).toContain(`(errno ${errno}) (sqlstate ${sqlState}) (CallerID: local)`);
    expect(error.message).toContain(`Sql: ${JSON.stringify(sql)}`);
  });

  test('come with status 200 and the session', async () => {
    const { status, json } = await post(planetscale.cloud, 'Execute', {
      query: 'SELECT * FROM missing',
      session: null,
    });
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(['error', 'session', 'timing']);
  });

  test('wrong credentials get 401', async () => {
    for (const authorization of ['', 'Basic bm9ib2R5Om5vdGhpbmc=', 'Bearer x']) {
      const { status, json } = await post(
        planetscale.cloud,
        'Execute',
        { query: 'DELETE FROM people' },
        { authorization },
      );
      expect(status).toBe(401);
      expect(json).toEqual({ error: { code: 'unauthenticated', message: 'invalid auth credentials' } });
    }
    const url = new URL(planetscale.cloud.env.DATABASE_URL);
    url.password = 'wrong';
    expect((await failureOf(connect({ url: url.href }).execute('SELECT 1'))).status).toBe(401);
    expect(await names(planetscale.cloud)).toEqual(['a']);
  });

  test('bodies that are no query get 400, other methods 404', async () => {
    expect((await post(planetscale.cloud, 'Execute', 'no json')).status).toBe(400);
    expect((await post(planetscale.cloud, 'Execute', { query: 7 })).status).toBe(400);
    expect((await post(planetscale.cloud, 'StreamExecute', { query: 'SELECT 1' })).status).toBe(404);
  });
});
