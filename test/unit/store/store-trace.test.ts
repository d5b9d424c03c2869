import { describe, expect, test } from 'vitest';
import { StoreTrace } from '../../../src/store/store-trace.ts';

type Span = [startedAtMs: number, endedAtMs: number];

function traceOf(spans: readonly Span[], budgetMs = 1000) {
  const trace = new StoreTrace(budgetMs);
  for (const [startedAtMs, endedAtMs] of spans) trace.storeWait('redis', startedAtMs, endedAtMs);
  return trace;
}

const CASES: { name: string; spans: Span[]; waits: number; spentMs: number }[] = [
  { name: 'none', spans: [], waits: 0, spentMs: 0 },
  { name: 'one', spans: [[0, 10]], waits: 1, spentMs: 10 },
  {
    name: 'two in a row',
    spans: [
      [0, 10],
      [10, 20],
    ],
    waits: 2,
    spentMs: 20,
  },
  {
    name: 'two with a bcrypt between',
    spans: [
      [0, 10],
      [110, 120],
    ],
    waits: 2,
    spentMs: 20,
  },
  {
    name: 'two at once',
    spans: [
      [0, 10],
      [0, 10],
    ],
    waits: 1,
    spentMs: 10,
  },
  {
    name: 'two that overlap',
    spans: [
      [0, 10],
      [5, 15],
    ],
    waits: 1,
    spentMs: 15,
  },
  {
    name: 'one within another',
    spans: [
      [0, 30],
      [10, 20],
    ],
    waits: 1,
    spentMs: 30,
  },
  {
    name: 'two pairs',
    spans: [
      [0, 10],
      [0, 12],
      [12, 20],
      [13, 25],
    ],
    waits: 2,
    spentMs: 25,
  },
  {
    name: 'a long one beside two in a row',
    spans: [
      [0, 30],
      [0, 10],
      [12, 20],
    ],
    waits: 2,
    spentMs: 30,
  },
  {
    name: 'told out of order',
    spans: [
      [20, 30],
      [0, 10],
    ],
    waits: 2,
    spentMs: 20,
  },
];

describe('a trace', () => {
  test.each(CASES)('of $name: $waits waits, $spentMs ms', ({ spans, waits, spentMs }) => {
    expect(traceOf(spans).waits()).toBe(waits);
    expect(traceOf(spans).leftMs()).toBe(1000 - spentMs);
  });

  test('counts both stores alike', () => {
    const trace = new StoreTrace(1000);
    trace.storeWait('redis', 0, 10);
    trace.storeWait('database', 10, 30);
    expect([trace.waits(), trace.leftMs()]).toEqual([2, 970]);
  });

  test('may have less than nothing left', () => {
    expect(traceOf([[0, 1500]]).leftMs()).toBe(-500);
  });
});
