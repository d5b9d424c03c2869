import { describe, test } from 'vitest';
import { loadDenseRows } from './dense-rows.ts';
import { expectStatedCost } from './expect-cost.ts';
import { LOADING_MS, useConsole } from './open-console.ts';
import { readOperatorsPage } from './operators-page.ts';
import { QUESTIONS_WITH_COST } from './questions.ts';
import { statementTimes } from './statement-times.ts';
import { expectWhereToReachIndexes } from './views.ts';

// The same statements on few users with many rows each, freshly loaded: a plan must not depend on the server's estimates.

const page = readOperatorsPage();
const operator = useConsole(loadDenseRows);

describe.each(QUESTIONS_WITH_COST)('$title', (question) => {
  test('is read from the same indexes in a dense table, as far as the page says', () =>
    expectStatedCost(operator.session, question, page, 'dense'));
});

test('a WHERE on a view reaches the indexes of its tables', () =>
  expectWhereToReachIndexes(operator.session));

if (process.env['CONSOLE_TIMES'] === '1') {
  test('the table of costs, as it is here', { timeout: LOADING_MS }, async () => {
    console.log((await statementTimes(operator.session, QUESTIONS_WITH_COST, page)).join('\n'));
  });
}
