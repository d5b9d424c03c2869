import { callStore, StoreUnavailableError, type StoreFault, type Trace } from './store-call.ts';

/**
 * What our adapters ask of Upstash Redis. We speak its REST protocol ourselves: the vendor's client knows some 200
 * commands in 18 KiB of the bundle (gzip), a quarter of it, and we need `POST /` with a command. The local cloud
 * is tested with the vendor's client, and our adapters over the local cloud.
 *
 * Answers come back as they are: strings stay strings. Each throws `StoreUnavailableError`.
 */
export interface RedisClient {
  get(key: string): Promise<string | null>;
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  xdel(key: string, entryIds: readonly string[]): Promise<void>;
}

export interface RedisCredentials {
  readonly url: string;
  readonly token: string;
}

/** Credentials and what is remembered between requests; holds no connection, so one serves a whole isolate. */
export interface RedisConnection extends RedisCredentials {
  /**
   * Upstash's read-your-writes token of the last write, empty before the first: sent back with each command, it makes
   * a replica wait until it has seen what this isolate wrote (Upstash documentation, "Read Your Writes"). Other
   * isolates are not covered by it.
   */
  syncToken: string;
}

export const upstashConnection = (credentials: RedisCredentials): RedisConnection => ({
  ...credentials,
  syncToken: '',
});

/** Upstash answered, but not with a result. Its text holds the command, so only the kind is kept. */
class UpstashAnswerError extends Error {
  override readonly name = 'UpstashAnswerError';
  readonly fault: StoreFault;
  readonly isFinal: boolean;
  constructor(fault: StoreFault, isFinal: boolean) {
    super(fault);
    this.fault = fault;
    this.isFinal = isFinal;
  }
}

function classify(error: unknown): { fault: StoreFault; final: boolean } {
  if (error instanceof UpstashAnswerError) return { fault: error.fault, final: error.isFinal };
  return { fault: 'unreachable', final: false };
}

/** One request's view on Upstash: each command is traced, timed out and tried again as `callStore` says. */
export function upstashClient(connection: RedisConnection, timeoutMs: number, trace: Trace): RedisClient {
  const options = { store: 'redis', trace, timeoutMs, classify } as const;
  const write = (command: readonly string[]): Promise<unknown> =>
    callStore(options, async (signal) => {
      const { result, syncToken } = await send(connection, command, signal());
      connection.syncToken = syncToken();
      return result;
    });
  return {
    async get(key) {
      // Without a signal, which has its price: a read does no harm late, and the runtime ends it with its request.
      const { result } = await callStore(options, () => send(connection, ['GET', key], null));
      if (result !== null && typeof result !== 'string') throw new StoreUnavailableError('redis', 'protocol');
      return result;
    },
    eval: (script, keys, args) => write(['EVAL', script, String(keys.length), ...keys, ...args]),
    async xdel(key, entryIds) {
      await write(['XDEL', key, ...entryIds]);
    },
  };
}

interface Answer {
  readonly result: unknown;
  readonly syncToken: () => string;
}

/** `POST /` with one command; without `Upstash-Encoding`, as all that we store is text that JSON can carry. */
async function send(
  connection: RedisConnection,
  command: readonly string[],
  signal: AbortSignal | null,
): Promise<Answer> {
  const response = await fetch(connection.url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${connection.token}`,
      'Content-Type': 'application/json',
      ...(connection.syncToken === '' ? {} : { 'Upstash-Sync-Token': connection.syncToken }),
    },
    body: JSON.stringify(command),
    signal,
  });
  const text = await response.text();
  // A 4xx (credentials, syntax) will be the same the next time; the rest may not.
  const isFinal = response.status >= 400 && response.status < 500 && response.status !== 429;
  if (!response.ok) throw new UpstashAnswerError('refused', isFinal);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new UpstashAnswerError('protocol', false);
  }
  // `null` is an answer ("no such key"), a missing result is none: an outage must not read as "signed out".
  if (typeof body !== 'object' || body === null || !('result' in body) || body.result === undefined) {
    throw new UpstashAnswerError('protocol', false);
  }
  return { result: body.result, syncToken: () => response.headers.get('Upstash-Sync-Token') ?? '' };
}
