import { indexesOf, type ConsoleSession } from './console-session.ts';
import { linkTo, type OperatorsPage } from './operators-page.ts';
import type { Question } from './question.ts';

const RUNS = 9;
/** Holds the million rows with their indexes: what is measured is the work, not the disk. */
const BUFFER_POOL_BYTES = 1024 ** 3;

const withCommas = (value: number): string => value.toLocaleString('en-US');

/** The page's table of costs as this machine measures it: lines of Markdown. */
export async function statementTimes(
  session: ConsoleSession,
  questions: readonly Question[],
  page: OperatorsPage,
): Promise<string[]> {
  const [before] = await session.rows(
    'SELECT @@GLOBAL.innodb_buffer_pool_size AS bytes, VERSION() AS version',
  );
  await session.rows(`SET GLOBAL innodb_buffer_pool_size = ${BUFFER_POOL_BYTES}`);
  try {
    const lines = [`Server ${String(before?.['version'])}, median of ${RUNS} runs.`];
    for (const question of questions) {
      lines.push(await session.undoing(() => timesOf(session, question, page)));
    }
    return lines;
  } finally {
    await session.rows(`SET GLOBAL innodb_buffer_pool_size = ${String(before?.['bytes'])}`);
  }
}

async function timesOf(session: ConsoleSession, question: Question, page: OperatorsPage): Promise<string> {
  const sql = page.statements.get(question.title) ?? '';
  await question.plant(session);
  const indexes = indexesOf(await session.plan(sql)).map((name) => `\`${name}\``);
  const read = await session.rowsRead(sql);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const startMs = performance.now();
    await session.rows(sql);
    times.push(performance.now() - startMs);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
  return `| ${linkTo(question.title)} | ${indexes.join(', ')} | ${withCommas(read)} | ${median.toFixed(1)} |`;
}
