import { expect } from 'vitest';
import { indexesOf, type ConsoleSession } from './console-session.ts';
import type { DataSet, OperatorsPage } from './operators-page.ts';
import type { Question } from './question.ts';

/** Rows read beyond what the page states: its numbers are rounded, and estimates differ a little from run to run. */
const MARGIN = 1.1;
/** MySQL doesn't count entries that a condition on the index rejects, and counts temporary tables otherwise. */
const MYSQL_MARGIN = 1.5;

/** Plants the question's rows and holds the statement to the indexes and the rows that the page states. */
export function expectStatedCost(
  session: ConsoleSession,
  { title, plant, readsWhole = [], readsIndexAlone = [] }: Question,
  page: OperatorsPage,
  dataSet: DataSet,
): Promise<void> {
  const sql = page.statements.get(title) ?? '';
  const stated = page.costs.get(title);
  const statedRows = stated?.rowsRead[dataSet] ?? NaN;
  return session.undoing(async () => {
    await plant(session);
    const steps = await session.plan(sql);
    const whole = steps.filter(({ type, index }) => type === 'ALL' || index === null);
    expect(whole.map(({ table }) => table)).toEqual(readsWhole);
    const fetched = steps.filter(({ isIndexAlone }) => !isIndexAlone).map(({ table }) => table);
    expect(fetched.filter((table) => readsIndexAlone.includes(table))).toEqual([]);
    expect(indexesOf(steps)).toEqual(stated?.indexes);
    const read = await session.rowsRead(sql);
    if (session.isMariaDb) {
      expect(read).toBeLessThanOrEqual(statedRows * MARGIN);
      expect(read).toBeGreaterThanOrEqual(statedRows / MARGIN);
    } else expect(read).toBeLessThanOrEqual(statedRows * MYSQL_MARGIN);
  });
}
