import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi, type Mock } from 'vitest';
import {
  storeUnavailable,
  type StoreFault,
  type StoreName,
  type StoreUnavailableError,
} from '../../../src/errors.ts';
import {
  BACKGROUND_STORE_TIMEOUT_MS,
  callStore,
  storeBudgetMs,
  STORE_TIMEOUT_MS,
  type StoreCall,
} from '../../../src/store/call-store.ts';
import { StoreTrace } from '../../../src/store/store-trace.ts';

const T = Date.UTC(2026, 10, 23, 12);
let calls: [number, number][];
let onFault: Mock<(store: StoreName, fault: StoreFault) => void>;
let budgetMs: number;

beforeEach(() => {
  vi.useFakeTimers({ now: T });
  calls = [];
  onFault = vi.fn();
  budgetMs = Number.POSITIVE_INFINITY;
});
afterEach(() => {
  vi.useRealTimers();
});

function trace(): StoreTrace {
  const traced = new StoreTrace({ budgetMs, onFault });
  vi.spyOn(traced, 'addCall').mockImplementation((startedAtMs, endedAtMs) => {
    calls.push([startedAtMs - T, endedAtMs - T]);
  });
  return traced;
}

const options = (changes: Partial<StoreCall> = {}): StoreCall => ({
  store: 'redis',
  trace: trace(),
  timeoutMs: 1000,
  classify: () => ({ fault: 'unreachable', final: false }),
  ...changes,
});
const broken = () => Promise.reject(new Error('secret: EVAL ... at https://db.example'));
const hanging = () => new Promise<never>(() => undefined);

/** The result or error of a call, once all timers have run. */
async function outcomeOf<T>(call: Promise<T>): Promise<T | Error> {
  const settled = call.catch((error: unknown) => error as Error);
  await vi.runAllTimersAsync();
  return settled;
}

async function expectFault(call: Promise<unknown>, fault: StoreFault): Promise<StoreUnavailableError> {
  const error = await outcomeOf(call);
  const reason = { code: 'store_unavailable', store: 'redis', fault };
  expect(error).toMatchObject({ name: 'ServiceError', message: 'store_unavailable', reason });
  return error as StoreUnavailableError;
}

describe('callStore', () => {
  test('returns what the command returns, and traces one round trip', async () => {
    const command = () => new Promise<string>((resolve) => setTimeout(() => resolve('result'), 300));
    expect(await outcomeOf(callStore(options(), command))).toBe('result');
    expect(calls).toEqual([[0, 300]]);
  });

  test.each([null, undefined, 0, '', false])('takes %j for a result', async (result) => {
    expect(await outcomeOf(callStore(options(), async () => result))).toBe(result);
  });

  test.each([1, 2])('tries again after %i broken connections', async (failures) => {
    const command = vi.fn().mockResolvedValue('result');
    for (let i = 0; i < failures; i += 1) command.mockImplementationOnce(broken);
    expect(await outcomeOf(callStore(options(), command))).toBe('result');
    expect(command).toHaveBeenCalledTimes(failures + 1);
    expect(calls).toHaveLength(1);
  });

  test('gives up after three tries, with pauses between them', async () => {
    const command = vi.fn(broken);
    await expectFault(callStore(options(), command), 'unreachable');
    expect(command).toHaveBeenCalledTimes(3);
    expect(calls).toEqual([[0, 100]]);
  });

  test.each(['refused', 'protocol', 'timeout'] as const)('does not retry a final "%s"', async (fault) => {
    const command = vi.fn(broken);
    await expectFault(callStore(options({ classify: () => ({ fault, final: true }) }), command), fault);
    expect(command).toHaveBeenCalledTimes(1);
  });

  test('reports the last fault of several', async () => {
    const faults: StoreFault[] = ['unreachable', 'protocol', 'refused'];
    const classify = () => ({ fault: faults.shift()!, final: false });
    await expectFault(callStore(options({ classify }), broken), 'refused');
  });

  test('times out to the millisecond', async () => {
    const inTime = () => new Promise<string>((resolve) => setTimeout(() => resolve('result'), 999));
    expect(await outcomeOf(callStore(options(), inTime))).toBe('result');
    await expectFault(callStore(options(), hanging), 'timeout');
    expect(calls).toEqual([
      [0, 999],
      [999, 1999],
    ]);
  });

  test('leaves no timer running', async () => {
    for (const command of [() => Promise.resolve('result'), broken]) {
      const call = callStore(options({ classify: () => ({ fault: 'refused', final: true }) }), command);
      await call.catch(() => undefined);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test('the time limit is for all tries together, pauses included', async () => {
    const slowlyBroken = vi.fn(
      () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error('broken')), 480)),
    );
    await expectFault(callStore(options(), slowlyBroken), 'timeout');
    expect(slowlyBroken).toHaveBeenCalledTimes(2);
    expect(calls).toEqual([[0, 1000]]);
  });

  test('times out during a pause, too', async () => {
    await expectFault(callStore(options({ timeoutMs: 50 }), vi.fn(broken)), 'timeout');
    expect(calls).toEqual([[0, 50]]);
  });

  test('takes no more time than the request has left', async () => {
    budgetMs = 200;
    await expectFault(callStore(options(), hanging), 'timeout');
    expect(calls).toEqual([[0, 200]]);
  });

  test.each([0, -500])('gives up at once with %i ms left', async (left) => {
    budgetMs = left;
    await expectFault(callStore(options(), hanging), 'timeout');
    expect(calls).toEqual([[0, 0]]);
  });

  test.each([
    [true, 1],
    [false, 3],
  ])('throws the error of a verdict with final %j after %i tries', async (final, tries) => {
    const error = new Error('in our words');
    const command = vi.fn(broken);
    const call = callStore(options({ classify: () => ({ fault: 'refused', final, error }) }), command);
    expect(await outcomeOf(call)).toBe(error);
    expect(command).toHaveBeenCalledTimes(tries);
    expect(calls).toHaveLength(1);
  });

  test('rethrows our own error without classifying or retrying', async () => {
    const classify = vi.fn(options().classify);
    const command = vi.fn(() => Promise.reject(storeUnavailable('redis', 'protocol')));
    await expectFault(callStore(options({ classify }), command), 'protocol');
    expect(command).toHaveBeenCalledTimes(1);
    expect(classify).not.toHaveBeenCalled();
  });

  test('treats a command that throws like one that rejects', async () => {
    const command = vi.fn((): Promise<never> => {
      throw new Error('at once');
    });
    await expectFault(callStore(options(), command), 'unreachable');
    expect(command).toHaveBeenCalledTimes(3);
  });

  test('reports a call without a result once, and no other', async () => {
    await outcomeOf(callStore(options(), async () => 'result'));
    const error = new Error('the row is to blame');
    await outcomeOf(
      callStore(options({ classify: () => ({ fault: 'refused', final: true, error }) }), broken),
    );
    expect(onFault).not.toHaveBeenCalled();
    await expectFault(callStore(options(), broken), 'unreachable');
    await expectFault(callStore(options(), hanging), 'timeout');
    expect(onFault.mock.calls).toEqual([
      ['redis', 'unreachable'],
      ['redis', 'timeout'],
    ]);
  });

  test("holds nothing of the vendor's text, not as a cause either", async () => {
    const error = await expectFault(callStore(options(), broken), 'unreachable');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/secret|EVAL|db\.example/);
    expect(error.cause).toBeUndefined();
  });

  test('a rejection after the time-out is not left unhandled', async () => {
    const late = () =>
      new Promise<never>((_, reject) => setTimeout(() => reject(new Error('much later')), 5000));
    await expectFault(callStore(options(), late), 'timeout');
    await vi.runAllTimersAsync();
  });
});

describe('time limits', () => {
  test('of calls in the background are longer', () => {
    expect(BACKGROUND_STORE_TIMEOUT_MS).toBeGreaterThan(STORE_TIMEOUT_MS);
    expect(new StoreTrace().leftMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([10, 11, 12, 13, 14])('of all calls leave room for a bcrypt of cost %i within 5 s', (rounds) => {
    const oneBcryptMs = 105 * 2 ** (rounds - 10);
    expect(storeBudgetMs(rounds)).toBeGreaterThan(500);
    expect(storeBudgetMs(rounds) + 2 * oneBcryptMs).toBeLessThan(5000);
  });
});
