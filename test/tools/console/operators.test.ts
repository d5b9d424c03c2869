import { describe, expect, test } from 'vitest';
import { expectStatedCost } from './expect-cost.ts';
import { secondaryIndexes } from './generate-rows.ts';
import { loadMillionRows } from './million-rows.ts';
import { LOADING_MS, useConsole } from './open-console.ts';
import { readOperatorsPage } from './operators-page.ts';
import { QUESTIONS, QUESTIONS_WITH_COST } from './questions.ts';
import { statementTimes } from './statement-times.ts';
import { expectWhereToReachIndexes } from './views.ts';

// The statements of docs/operators.md as they stand there, on a million rows.

const page = readOperatorsPage();
const operator = useConsole(loadMillionRows);

test('each statement of the page is tested, and nothing that is not on it', () => {
  expect(QUESTIONS.map(({ title }) => title)).toEqual([...page.statements.keys()]);
});

test('the page tells what each statement costs', () => {
  expect([...page.costs.keys()]).toEqual(QUESTIONS_WITH_COST.map(({ title }) => title));
});

describe.each(QUESTIONS)('$title', (question) => {
  const { title, plant, check, hasCost } = question;

  test('has the right answer among a million rows', () =>
    operator.session.undoing(async () => {
      await plant(operator.session);
      await check(operator.session, page.statements.get(title) ?? '');
    }));

  if (hasCost === false) return;
  test('is read from the indexes that the page names, as far as it says', () =>
    expectStatedCost(operator.session, question, page, 'year'));
});

test('a WHERE on a view reaches the indexes of its tables', () =>
  expectWhereToReachIndexes(operator.session));

test('each index of the activity tables serves one of the statements', () => {
  const used = new Set([...page.costs.values()].flatMap(({ indexes }) => indexes));
  const kept = ['login_activity', 'logout_activity'].flatMap((table) => secondaryIndexes(table));
  expect(kept.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
});

if (process.env['CONSOLE_TIMES'] === '1') {
  test('the table of costs, as it is here', { timeout: LOADING_MS }, async () => {
    console.log(`The rows were made in ${(operator.loadedInMs / 1000).toFixed(1)} s.`);
    console.log((await statementTimes(operator.session, QUESTIONS_WITH_COST, page)).join('\n'));
    console.table(await operator.session.rows(page.statements.get('How large the tables are') ?? ''));
  });
}
