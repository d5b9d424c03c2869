import type { Pool } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { createMysqlPool } from '../../../tools/local-cloud/mysql-pool.ts';
import { openCloud } from '../../support/cloud.ts';
import { ConsoleSession, indexesOf } from './console-session.ts';
import { loadMillionRows, secondaryIndexes } from './million-rows.ts';
import { readOperatorsPage } from './operators-page.ts';
import { RETENTION } from './retention.ts';
import { statementTimes } from './statement-times.ts';
import { WHAT_TO_LOOK_INTO } from './what-to-look-into.ts';
import { WHO_DID_WHAT } from './who-did-what.ts';

// The statements of docs/operators.md as they stand there, on a million rows.

const QUESTIONS = [...WHO_DID_WHAT, ...WHAT_TO_LOOK_INTO, ...RETENTION];
const page = readOperatorsPage();

/** Rows read beyond what the page states: its numbers are rounded, and the plan of another server may differ a little. */
const ROWS_READ_MARGIN = 1.1;
const LOADING_MS = 180_000;

let cloud: CloudProxy;
let pool: Pool;
let session: ConsoleSession;
let loadedInMs: number;
beforeAll(async () => {
  cloud = await openCloud();
  pool = createMysqlPool(inject('cloudServers').mysql, cloud.databaseName);
  const [one, other] = [await pool.getConnection(), await pool.getConnection()];
  const startMs = performance.now();
  await loadMillionRows(one, other);
  loadedInMs = performance.now() - startMs;
  session = await ConsoleSession.open(one);
}, LOADING_MS);
afterAll(async () => {
  await pool.end();
  await cloud.stop();
}, LOADING_MS);

test('each statement of the page is tested, and nothing that is not on it', () => {
  expect(QUESTIONS.map(({ title }) => title)).toEqual([...page.statements.keys()]);
});

test('the page tells what each statement costs', () => {
  const withCost = QUESTIONS.filter(({ hasCost }) => hasCost !== false);
  expect([...page.costs.keys()]).toEqual(withCost.map(({ title }) => title));
});

describe.each(QUESTIONS)('$title', (question) => {
  const { title, plant, check, readsWhole = [], readsIndexAlone = [], hasCost } = question;
  const sql = page.statements.get(title) ?? '';

  test('has the right answer among a million rows', () =>
    session.undoing(async () => {
      await plant(session);
      await check(session, sql);
    }));

  if (hasCost === false) return;
  test('is read from the indexes that the page names, as far as it says', () =>
    session.undoing(async () => {
      await plant(session);
      const steps = await session.plan(sql);
      const whole = steps.filter(({ type, index }) => type === 'ALL' || index === null);
      expect(whole.map(({ table }) => table)).toEqual(readsWhole);
      const fetched = steps.filter(({ isIndexAlone }) => !isIndexAlone).map(({ table }) => table);
      expect(fetched.filter((table) => readsIndexAlone.includes(table))).toEqual([]);
      const stated = page.costs.get(title);
      expect(indexesOf(steps)).toEqual(stated?.indexes);
      const read = await session.rowsRead(sql);
      const statedRows = stated?.rowsRead ?? 0;
      expect(read).toBeLessThanOrEqual(statedRows * ROWS_READ_MARGIN);
      expect(read).toBeGreaterThanOrEqual(statedRows / ROWS_READ_MARGIN);
    }));
});

test('each index of the activity tables serves one of the statements', () => {
  const used = new Set([...page.costs.values()].flatMap(({ indexes }) => indexes));
  const kept = ['login_activity', 'logout_activity'].flatMap((table) => secondaryIndexes(table));
  expect(kept.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
});

if (process.env['CONSOLE_TIMES'] === '1') {
  test('the table of costs, as it is here', { timeout: LOADING_MS }, async () => {
    console.log(`The rows were made in ${(loadedInMs / 1000).toFixed(1)} s.`);
    console.log((await statementTimes(session, QUESTIONS, page)).join('\n'));
    console.table(await session.rows(page.statements.get('How large the tables are') ?? ''));
  });
}
