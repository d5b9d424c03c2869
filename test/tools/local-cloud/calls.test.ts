import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countCalls, type Call } from '../../../tools/local-cloud/calls.ts';

function call(startedAtMs: number, endedAtMs: number, content: Partial<Call> = {}): Call {
  return {
    store: 'redis',
    commands: [['get', 'k']],
    startedAtMs,
    endedAtMs,
    status: 200,
    fault: null,
    ...content,
  } as Call;
}

describe('countCalls', () => {
  test('counts calls one after the other, and those at the same time once', () => {
    expect(countCalls([call(0, 10), call(10, 20), call(21, 30)], 0, 100).roundTrips).toBe(3);
    expect(countCalls([call(0, 10), call(1, 12), call(2, 9)], 0, 100).roundTrips).toBe(1);
    expect(countCalls([call(0, 30), call(1, 10), call(11, 20), call(19, 31)], 0, 100).roundTrips).toBe(2);
    expect(countCalls([], 0, 100)).toEqual({ roundTrips: 0, calls: 0, redisCommands: 0, sqlStatements: 0 });
  });

  test('counts what ended within the window, both ends included', () => {
    const calls = [call(0, 9), call(9, 10), call(12, 20), call(20, 21)];
    expect(countCalls(calls, 10, 20)).toMatchObject({ roundTrips: 2, calls: 2 });
  });

  test('counts commands and statements', () => {
    const calls = [
      call(0, 1, {
        store: 'redis',
        commands: [
          ['get', 'a'],
          ['get', 'b'],
        ],
      }),
      call(0, 1, { store: 'mysql', sql: 'SELECT 1' }),
      call(0, 1, { store: 'mysql', sql: '' }),
    ];
    expect(countCalls(calls, 0, 1)).toEqual({ roundTrips: 1, calls: 3, redisCommands: 2, sqlStatements: 1 });
  });

  test('finds the longest chain there is', () => {
    const interval = fc
      .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 15 }))
      .map(([start, length]) => call(start, start + length));
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 12 }), (calls) => {
        expect(countCalls(calls, 0, 100).roundTrips).toBe(longestChain(calls, -1));
      }),
    );
  });
});

/** Tries every next call: slow, and plainly right. */
function longestChain(calls: readonly Call[], afterMs: number): number {
  const next = calls.filter(({ startedAtMs }) => startedAtMs >= afterMs);
  return Math.max(0, ...next.map(({ endedAtMs }) => 1 + longestChain(next, endedAtMs)));
}
