import autocannon from 'autocannon';

/** One request to be sent as it stands. */
export interface LoadRequest {
  /** What latencies are reported under. */
  name: string;
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  /** What the response must be: a benchmark of error pages would be worthless. */
  expected: { status: number; contains?: string };
}

export interface LoadResult {
  elapsedMs: number;
  /** By the requests' names, each sorted. */
  latenciesMs: Map<string, number[]>;
  /** Responses other than the expected one, and broken connections. */
  unexpected: string[];
}

/** How often autocannon looks whether it is done. */
const SAMPLE_MS = 20;
const MAX_CONNECTION_ERRORS = 10;

/**
 * Sends each request once, in this order, over so many connections. Latencies are our own, as autocannon's
 * percentiles are whole milliseconds.
 */
export async function sendAll(
  origin: string,
  requests: readonly LoadRequest[],
  connections: number,
): Promise<LoadResult> {
  const latenciesMs = new Map<string, number[]>();
  const unexpected: string[] = [];
  const startedAt = performance.now();
  let finishedAt = startedAt;
  let next = 0;

  interface Context {
    request?: LoadRequest;
    sentAt?: number;
  }
  const setupRequest = (_request: autocannon.Request, context: Context): autocannon.Request => {
    const request = requests[next++ % requests.length];
    if (request === undefined) throw new Error('There are no requests to send');
    context.request = request;
    context.sentAt = performance.now();
    return {
      method: request.method,
      path: request.path,
      headers: { ...request.headers },
      body: request.body,
    };
  };
  const onResponse = (status: number, body: string, { request, sentAt = 0 }: Context): void => {
    finishedAt = performance.now();
    if (request === undefined) return;
    const latencies = latenciesMs.get(request.name) ?? [];
    latencies.push(finishedAt - sentAt);
    latenciesMs.set(request.name, latencies);
    if (status !== request.expected.status || !body.includes(request.expected.contains ?? ''))
      unexpected.push(`${request.method} ${request.path}: ${status} ${body.slice(0, 300)}`);
  };
  const { errors } = await autocannon({
    url: origin,
    amount: requests.length,
    connections: Math.min(connections, requests.length),
    sampleInt: SAMPLE_MS,
    bailout: MAX_CONNECTION_ERRORS,
    requests: [{ setupRequest, onResponse }],
  });
  let responses = 0;
  for (const latencies of latenciesMs.values()) responses += latencies.sort((a, b) => a - b).length;
  // A connection that the server closed is no error to autocannon.
  if (errors > 0 || responses !== requests.length)
    unexpected.push(`${errors} broken connections, ${responses} responses to ${requests.length} requests`);
  return { elapsedMs: finishedAt - startedAt, latenciesMs, unexpected };
}

/** The value below which this share of the sorted values lies; NaN without values. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

/** So many requests, starting over after the last one. */
export const cycle = <T>(requests: readonly T[], count: number): T[] =>
  Array.from({ length: count }, (_, i) => requests[i % requests.length] as T);
