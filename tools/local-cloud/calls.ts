/** The two stores of the cloud. */
export type StoreName = 'redis' | 'mysql';

/** What a request asks for: the commands of a Redis request, or the SQL text ('' when it opens a session only). */
export type CallContent = { store: 'redis'; commands: string[][] } | { store: 'mysql'; sql: string };

/** One finished request to a store. */
export type Call = CallContent & {
  /** When the request arrived, in milliseconds since 1970 with fractions. */
  startedAtMs: number;
  /** Just before the answer was sent, or when the request ended without one. */
  endedAtMs: number;
  /** The HTTP status of the answer; null when none was sent. */
  status: number | null;
  /** The kind of the fault that struck this request, or null. */
  fault: string | null;
};

/** What a span of time cost in store calls. */
export interface CallCounts {
  /** The longest chain of calls of which each began after the one before had ended: round trips in a row. */
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
  let roundTrips = 0;
  let chainEndMs = -Infinity;
  // Taking the earliest end each time gives the longest chain of intervals that do not overlap.
  for (const call of inside) {
    if (call.startedAtMs < chainEndMs) continue;
    roundTrips += 1;
    chainEndMs = call.endedAtMs;
  }
  let redisCommands = 0;
  let sqlStatements = 0;
  for (const call of inside) {
    if (call.store === 'redis') redisCommands += call.commands.length;
    else if (call.sql !== '') sqlStatements += 1;
  }
  return { roundTrips, calls: inside.length, redisCommands, sqlStatements };
}
