import { describe, expect, test } from 'vitest';
import { StoreTrace } from '../../../src/store/store-trace.ts';

type Span = [startedAtMs: number, endedAtMs: number];

function traceOf(spans: readonly Span[], budgetMs = 1000) {
  const trace = new StoreTrace({ budgetMs });
  for (const [startedAtMs, endedAtMs] of spans) trace.addCall(startedAtMs, endedAtMs);
  return trace;
}

const CASES: { name: string; spans: Span[]; roundTrips: number; spentMs: number }[] = [
  { name: 'none', spans: [], roundTrips: 0, spentMs: 0 },
  { name: 'one', spans: [[0, 10]], roundTrips: 1, spentMs: 10 },
  {
    name: 'two in a row',
    spans: [
      [0, 10],
      [10, 20],
    ],
    roundTrips: 2,
    spentMs: 20,
  },
  {
    name: 'two with a bcrypt between',
    spans: [
      [0, 10],
      [110, 120],
    ],
    roundTrips: 2,
    spentMs: 20,
  },
  {
    name: 'two at the same time',
    spans: [
      [0, 10],
      [0, 10],
    ],
    roundTrips: 1,
    spentMs: 10,
  },
  {
    name: 'two that overlap',
    spans: [
      [0, 10],
      [5, 15],
    ],
    roundTrips: 1,
    spentMs: 15,
  },
  {
    name: 'one within another',
    spans: [
      [0, 30],
      [10, 20],
    ],
    roundTrips: 1,
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
    roundTrips: 2,
    spentMs: 25,
  },
  {
    name: 'a long one alongside two in a row',
    spans: [
      [0, 30],
      [0, 10],
      [12, 20],
    ],
    roundTrips: 2,
    spentMs: 30,
  },
  {
    name: 'reported out of order',
    spans: [
      [20, 30],
      [0, 10],
    ],
    roundTrips: 2,
    spentMs: 20,
  },
];

describe('StoreTrace', () => {
  test.each(CASES)('$name: $roundTrips round trips, $spentMs ms', ({ spans, roundTrips, spentMs }) => {
    expect(traceOf(spans).roundTrips()).toBe(roundTrips);
    expect(traceOf(spans).leftMs()).toBe(1000 - spentMs);
  });

  test('counts both stores alike', () => {
    const trace = new StoreTrace({ budgetMs: 1000 });
    trace.addCall(0, 10);
    trace.addCall(10, 30);
    expect([trace.roundTrips(), trace.leftMs()]).toEqual([2, 970]);
  });

  test('may have less than no time left', () => {
    expect(traceOf([[0, 1500]]).leftMs()).toBe(-500);
  });
});
