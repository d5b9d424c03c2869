/** The two stores of the cloud. */
export type StoreName = 'redis' | 'mysql';

/** What a request asks for: the commands of a Redis request, or the SQL text ('' when it only opens a session). */
export type CallContent = { store: 'redis'; commands: string[][] } | { store: 'mysql'; sql: string };

/** One finished request to a store. */
export type Call = CallContent & {
  /** When the request arrived, in milliseconds since 1970 with fractions. */
  startedAtMs: number;
  /** Just before the response was sent, or when the request ended without one. */
  endedAtMs: number;
  /** The HTTP status of the response; null if none was sent. */
  status: number | null;
  /** The kind of the fault injected into this request, or null. */
  fault: string | null;
};

/** What a span of time cost in store calls. */
export interface CallCounts {
  /** The longest chain of calls, each of which began after the previous one had ended. */
  roundTrips: number;
  /** Store calls, each an HTTP request. */
  calls: number;
  redisCommands: number;
  sqlStatements: number;
}

/** Counts the calls that ended between two instants (both included), in milliseconds since 1970. */
export function countCalls(calls: readonly Call[], fromMs: number, untilMs: number): CallCounts {
  const inside = calls.filter(({ endedAtMs }) => endedAtMs >= fromMs && endedAtMs <= untilMs);
  inside.sort((a, b) => a.endedAtMs - b.endedAtMs);
  const counts = { roundTrips: 0, calls: inside.length, redisCommands: 0, sqlStatements: 0 };
  let chainEndMs = -Infinity;
  for (const call of inside) {
    if (call.store === 'redis') counts.redisCommands += call.commands.length;
    else if (call.sql !== '') counts.sqlStatements += 1;
    // Taking the earliest end each time gives the longest chain of intervals that do not overlap.
    if (call.startedAtMs < chainEndMs) continue;
    counts.roundTrips += 1;
    chainEndMs = call.endedAtMs;
  }
  return counts;
}
