import { DatabaseError } from '@planetscale/database';
import { expect, test } from 'vitest';
import { storeUnavailable, type StoreErrorCode } from '../../../src/errors.ts';
import type { Row, SqlClient } from '../../../src/store/sql-client.ts';
import { codeOf } from '../../../src/store/sql-errors.ts';
import { Doctor } from '../../../tools/hoskie/doctor/doctor.ts';
import { checkRights } from '../../../tools/hoskie/setup/check-mysql.ts';
import { requireComplete } from '../../../tools/hoskie/setup/run-setup.ts';
import { readWanted } from '../../../tools/hoskie/schema/read-wanted.ts';

const refusing = (said: StoreErrorCode): SqlClient => ({
  execute: async () => {
    throw storeUnavailable('database', 'refused', undefined, said);
  },
});
const rowsOf = (rows: Row[]): SqlClient => ({ execute: async () => ({ rows, rowsAffected: 0 }) });

const DENIED = 'target: app.-.primary: DML command denied to user';
const saidByVitess = (code: string): StoreErrorCode =>
  codeOf(new DatabaseError(DENIED, 400, { message: DENIED, code }));

test.each<[string, StoreErrorCode, RegExp]>([
  ['no right to the database', { errno: 1044 }, /^no right to UPDATE on users, /],
  ['no right to the table', { errno: 1142 }, /^no right to UPDATE on users, /],
  ['no right to a column', { errno: 1143 }, /^no right to UPDATE on users, /],
  ['no right to the operation', { errno: 1227 }, /^no right to UPDATE on users, /],
  ["Vitess's own", saidByVitess('PERMISSION_DENIED'), /^no right to UPDATE on users, /],
  ['Vitess has a failover', saidByVitess('CLUSTER_EVENT'), /^MySQL refuses the request \(HTTP 400\)/],
  ['MySQL is read-only', { errno: 1290 }, /^MySQL refuses the request \(errno 1290\)/],
])('a refused write is a missing right or an outage: %s', async (_, said, detail) => {
  const doctor = new Doctor(() => undefined);
  expect(await checkRights(doctor, refusing(said), [])).toBe(false);
  expect(doctor.results[0]?.detail).toMatch(detail);
});

test('tables that DATABASE_URL lacks were added to another database', async () => {
  await expect(requireComplete(rowsOf([]), readWanted())).rejects.toThrow(
    'ADMIN_DATABASE_URL is another database than DATABASE_URL.',
  );
});
