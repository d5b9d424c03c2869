import { expect, test } from 'vitest';
import type { Budget } from '../../tools/budgets.ts';
import { storeCost, type CostStage } from '../support/store-cost.ts';
import type { Stage } from '../support/stage.ts';
import type { Answer } from '../support/visitor.ts';

/** One request, everything that it needs prepared. */
export interface Prepared {
  /** Members of the right answer: a wrong one is easily cheap. */
  readonly answers: object;
  readonly ask: () => Promise<object>;
  /** The Worker that is asked, where it is not the stage's. */
  readonly worker?: CostStage['worker'];
  /** Resolves when work behind the answer is done that pauses in between. */
  readonly behind?: () => Promise<unknown>;
}

/** A case in which somebody asks and is answered with this status. */
export const by =
  <Who>(who: () => Promise<Who>, status: number, ask: (who: Who) => Promise<object>) =>
  async (): Promise<Prepared> => {
    const somebody = await who();
    return { answers: { status }, ask: () => ask(somebody) };
  };

/** Runs a case for each row of a table and asserts its figures; a row without a case fails, a case without a row too. */
export function testBudgets<Name extends string>(
  stage: Stage,
  table: Readonly<Record<Name, Budget>>,
  cases: Readonly<Record<Name, () => Promise<Prepared>>>,
): void {
  test('each row of the table has its case, each case its row', () => {
    expect(Object.keys(cases)).toEqual(Object.keys(table));
  });

  test.each(Object.entries<Budget>(table))('%s', async (name, budget) => {
    const { answers, ask, behind, worker = stage.worker } = await cases[name as Name]();
    const { cost, answer } = await storeCost({ cloud: stage.cloud, worker }, ask, behind);
    expect(answer).toMatchObject(answers);
    expect(cost).toMatchObject(budget);
    if ('headers' in answer) await expectToldAlike(stage, answer as Answer, budget.before.roundTrips);
  });
}

/** The Worker's own count, in its answer and in its log, is the one that the stores see. */
async function expectToldAlike({ worker }: Stage, { headers }: Answer, waits: number): Promise<void> {
  expect(headers.get('Server-Timing')).toContain(`desc="${waits} round trips"`);
  const requestId = headers.get('X-Request-Id') ?? 'none';
  const own = () => worker.logs.filter((line) => line.includes(requestId));
  await expect
    .poll(() => own().map((line) => JSON.parse(line) as Record<string, unknown>), { interval: 10 })
    .toContainEqual(expect.objectContaining({ event: 'request', store_round_trips: waits }));
}
