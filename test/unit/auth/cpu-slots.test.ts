import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cpuSlots } from '../../../src/auth/cpu-slots.ts';
import { SYSTEM_CLOCK } from '../../../src/lib/clock.ts';
import { StoreTrace } from '../../../src/store/store-trace.ts';

const T = Date.UTC(2026, 10, 23, 12);
beforeEach(() => void vi.useFakeTimers({ now: T }));
afterEach(() => void vi.useRealTimers());

/** Takes this many slots at once. Returns when each was given, in ms, or null for `overloaded`. */
async function takeAtOnce(count: number, { trace = new StoreTrace(), workMs = 0 } = {}) {
  const slots = cpuSlots(SYSTEM_CLOCK);
  const taken = Array.from({ length: count }, async () => {
    try {
      await slots.take(trace);
    } catch (error) {
      expect(error).toMatchObject({ name: 'ServiceError', reason: { code: 'overloaded' } });
      return null;
    }
    const atMs = Date.now() - T;
    // The hash itself runs without a pause, so nothing else happens meanwhile.
    vi.setSystemTime(Date.now() + workMs);
    return atMs;
  });
  await vi.runAllTimersAsync();
  return Promise.all(taken);
}

test('one alone waits a moment, which counts towards its budget', async () => {
  const trace = new StoreTrace({ budgetMs: 1000 });
  expect(await takeAtOnce(1, { trace })).toEqual([1]);
  expect(trace.leftMs()).toBe(999);
});

test('several at once get theirs one after the other, in the order they came', async () => {
  expect(await takeAtOnce(5)).toEqual([1, 2, 3, 4, 5]);
});

test('those that can’t begin within 2.5 s are refused', async () => {
  const given = await takeAtOnce(40, { workMs: 100 });
  const inTime = given.filter((atMs) => atMs !== null);
  expect(inTime).toHaveLength(25);
  expect(Math.max(...inTime)).toBeLessThanOrEqual(2500);
});

test('a request waits no longer than its budget allows', async () => {
  const slots = cpuSlots(SYSTEM_CLOCK);
  const others = Array.from({ length: 10 }, () => slots.take(new StoreTrace()));
  const trace = new StoreTrace({ budgetMs: 3 });
  const refused = expect(slots.take(trace)).rejects.toMatchObject({ reason: { code: 'overloaded' } });
  await vi.runAllTimersAsync();
  await refused;
  // The rest is the store's.
  expect(trace.leftMs()).toBe(1);
  await Promise.all(others);
});

test('a wait leaves the store call after the hash its time, however slow the first one was', async () => {
  const trace = new StoreTrace({ budgetMs: 4490 });
  trace.addCall(T - 1400, T);
  const given = (await takeAtOnce(40, { trace, workMs: 100 })).filter((ms) => ms !== null);
  expect(given.length).toBeGreaterThan(10);
  expect(Math.max(...given)).toBeLessThanOrEqual(4490 - 1400 - 1500);
});
