import { expect, test } from 'vitest';
import type { Budget } from '../../tools/budgets.ts';
import { storeCost, type MeasuredEnvironment } from '../support/store-cost.ts';
import type { TestEnvironment } from '../support/test-environment.ts';
import type { Answer } from '../support/visitor.ts';

/** One request, with everything that it needs prepared. */
export interface Prepared {
  readonly send: () => Promise<object>;
  /** Properties of the right response: a wrong one may well cost less. */
  readonly expected: object;
  /** The Worker that the request is sent to; by default that of the test environment. */
  readonly worker?: MeasuredEnvironment['worker'];
  /** Resolves when background work that pauses in between is done. */
  readonly backgroundDone?: () => Promise<unknown>;
}

/** A case in which this client's request gets this status. */
export const by =
  <Client>(open: () => Promise<Client>, status: number, send: (client: Client) => Promise<object>) =>
  async (): Promise<Prepared> => {
    const client = await open();
    return { send: () => send(client), expected: { status } };
  };

/** Runs a case for each row of a table and asserts its figures. Fails if a row has no case, or a case no row. */
export function testBudgets<Name extends string>(
  environment: TestEnvironment,
  table: Readonly<Record<Name, Budget>>,
  cases: Readonly<Record<Name, () => Promise<Prepared>>>,
): void {
  test('each row of the table has its case, each case its row', () => {
    expect(Object.keys(cases)).toEqual(Object.keys(table));
  });

  test.each(Object.entries<Budget>(table))('%s', async (name, budget) => {
    const { send, expected, worker = environment.worker, backgroundDone } = await cases[name as Name]();
    const { cost, answer: response } = await storeCost(
      { cloud: environment.cloud, worker },
      send,
      backgroundDone,
    );
    expect(response).toMatchObject(expected);
    expect(cost).toMatchObject(budget);
    if ('headers' in response)
      await expectReported(environment, response as Answer, budget.before.roundTrips);
  });
}

/** The Worker counts as many round trips as the stores, in its response and in its log. */
async function expectReported(
  { worker }: TestEnvironment,
  { headers }: Answer,
  roundTrips: number,
): Promise<void> {
  expect(headers.get('Server-Timing')).toContain(`desc="round trips: ${roundTrips}"`);
  const requestId = headers.get('X-Request-Id') ?? 'none';
  const own = () => worker.logs.filter((line) => line.includes(requestId));
  await expect
    .poll(() => own().map((line) => JSON.parse(line) as Record<string, unknown>), { interval: 10 })
    .toContainEqual(expect.objectContaining({ event: 'request', store_round_trips: roundTrips }));
}
