import { isStoreUnavailable } from '../../../src/errors.ts';
import type { SqlClient } from '../../../src/store/sql-client.ts';
import { demand, skip, type Doctor } from '../doctor/doctor.ts';
import { describeOutage } from '../exit.ts';
import { count } from '../output.ts';
import { compareSchemas, type Difference } from '../schema/compare-schemas.ts';
import type { WantedSchema } from '../schema/parse-schema.ts';
import { readSchema } from '../schema/read-schema.ts';

/** What the Worker writes. Each statement needs the right, and changes no row. */
const WRITES: readonly (readonly [table: string, right: string, statement: string])[] = [
  ['users', 'UPDATE', 'UPDATE users SET id = id WHERE 1 = 0'],
  ...['login_activity', 'logout_activity'].flatMap((table) => [
    [table, 'INSERT', `INSERT INTO ${table} SELECT * FROM ${table} WHERE 1 = 0`] as const,
    [table, 'UPDATE', `UPDATE ${table} SET id = id WHERE 1 = 0`] as const,
    [table, 'DELETE', `DELETE FROM ${table} WHERE 1 = 0`] as const,
  ]),
];
/** No right to the database, a table, a column or an operation (MySQL, "Server Error Reference"). */
const MISSING_RIGHT_ERRNOS = [1044, 1142, 1143, 1227];
const OLDEST = { MySQL: [8, 0], MariaDB: [10, 11] } as const;

export interface DatabaseState {
  /** What setup may add; empty: nothing is missing. */
  readonly additions: readonly Difference[];
  readonly isFine: boolean;
}

/** Tries what the Worker does with MySQL. Changes nothing. */
export async function checkMysql(
  doctor: Doctor,
  sql: SqlClient,
  wanted: WantedSchema,
): Promise<DatabaseState> {
  const failuresBefore = doctor.failures;
  const isIn = await doctor.check('MySQL: version', () =>
    explainOutage(async () => {
      const { rows } = await sql.execute('SELECT VERSION() AS version', []);
      return checkVersion(String(rows[0]?.['version']));
    }),
  );
  if (!isIn) return { additions: [], isFine: false };
  let differences: readonly Difference[] = [];
  await doctor.check('MySQL: tables', () =>
    explainOutage(async () => {
      differences = compareSchemas(wanted, await readSchema(sql));
      const others = differences.filter(({ onlyAdds }) => !onlyAdds);
      demand(
        others.length === 0,
        `${namesOf(others)} must be changed by hand: hoskie schema diff prints the statements`,
      );
      return differences.length === 0
        ? 'as in schema.sql'
        : `${count(differences.length, 'thing')} missing: ${namesOf(differences)}`;
    }),
  );
  await checkRights(doctor, sql, differences);
  return {
    additions: differences.filter(({ onlyAdds }) => onlyAdds),
    isFine: doctor.failures === failuresBefore,
  };
}

/** Whether the Worker may write. Skipped while the tables aren't complete. */
export async function checkRights(
  doctor: Doctor,
  sql: SqlClient,
  missing: readonly Difference[],
): Promise<boolean> {
  return doctor.check('MySQL: rights', () =>
    explainOutage(async () => {
      if (missing.length > 0) skip('checked once the tables are complete');
      const refused: string[] = [];
      for (const [table, right, statement] of WRITES) {
        await sql.execute(statement, []).catch((error: unknown) => {
          if (!isMissingRight(error)) throw error;
          refused.push(`${right} on ${table}`);
        });
      }
      demand(
        refused.length === 0,
        `no right to ${refused.join(', ')}: take a password with the role Read/Write`,
      );
      return 'reads and writes the three tables that the Worker needs';
    }),
  );
}

function isMissingRight(error: unknown): boolean {
  const { errno = 0, vitessCode } = (isStoreUnavailable(error) && error.reason.said) || {};
  return MISSING_RIGHT_ERRNOS.includes(errno) || vitessCode === 'PERMISSION_DENIED';
}

function checkVersion(version: string): string {
  const name = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  const [, major = 0, minor = 0] = /^(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  const [oldestMajor, oldestMinor] = OLDEST[name];
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  demand(!isOld, `${name} ${major}.${minor} is too old: ${oldestMajor}.${oldestMinor} or later is needed`);
  return `${name} ${major}.${minor}`;
}

async function explainOutage(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    demand(!isStoreUnavailable(error), isStoreUnavailable(error) ? describeOutage(error) : '');
    throw error;
  }
}

const namesOf = (differences: readonly Difference[]): string =>
  differences.map(({ name }) => name).join(', ');
