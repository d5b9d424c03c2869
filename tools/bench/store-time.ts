import type { Call } from '../local-cloud/calls.ts';

/**
 * Milliseconds during which at least one store was at work for an answer: calls at the same time count once. What
 * the service writes behind its answers (rows, and the events they came from) is left out.
 */
export function storeTimeMs(calls: readonly Call[]): number {
  const awaited = calls.filter((call) =>
    call.store === 'mysql' ? !/^\s*(?:insert|update)/i.test(call.sql) : call.commands[0]?.[0] !== 'XDEL',
  );
  awaited.sort((a, b) => a.startedAtMs - b.startedAtMs);
  let sumMs = 0;
  let freeAtMs = -Infinity;
  for (const { startedAtMs, endedAtMs } of awaited) {
    sumMs += Math.max(0, endedAtMs - Math.max(startedAtMs, freeAtMs));
    freeAtMs = Math.max(freeAtMs, endedAtMs);
  }
  return sumMs;
}
