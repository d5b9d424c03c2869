import { errors, Redis } from '@upstash/redis/cloudflare';
import { callStore, type StoreFault, type Trace } from './store-call.ts';

/** What our adapters ask of Upstash: commands whose answers come back as they are, one request each. */
export interface RedisClient {
  get(key: string): Promise<string | null>;
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  xdel(key: string, entryIds: readonly string[]): Promise<void>;
}

export interface RedisCredentials {
  readonly url: string;
  readonly token: string;
}

/** Makes the connection object; it holds no connection, so one serves all requests of an isolate. */
export function upstashConnection(credentials: RedisCredentials, timeoutMs: number): Redis {
  return new Redis({
    url: credentials.url,
    token: credentials.token,
    // Tries are counted in callStore; `retry: false` would still make two.
    retry: { retries: 0 },
    // Only a function makes a time-out throw: a plain aborted signal answers 200 and null, "no session".
    signal: () => AbortSignal.timeout(timeoutMs),
    // Digit strings are to stay strings.
    automaticDeserialization: false,
    // All that we store is valid UTF-8, which JSON carries as it is.
    responseEncoding: false,
    // Pipelining would mix the commands of different requests, which Workers forbid.
    enableAutoPipelining: false,
    enableTelemetry: false,
  });
}

/** The client's texts hold whole commands, so only their kind goes on from here. */
function classify(error: unknown): { fault: StoreFault; final: boolean } {
  if (error instanceof errors.UpstashJSONParseError) return { fault: 'protocol', final: false };
  if (error instanceof errors.UpstashError) return { fault: 'refused', final: false };
  if (error instanceof Error && error.name === 'TimeoutError') return { fault: 'timeout', final: true };
  return { fault: 'unreachable', final: false };
}

/** One request's view on Upstash: each command is traced, timed out and tried again as `callStore` says. */
export function upstashClient(connection: Redis, timeoutMs: number, trace: Trace): RedisClient {
  const call = <T>(command: () => Promise<T>): Promise<T> =>
    callStore({ store: 'redis', trace, timeoutMs, classify }, command);
  return {
    get: (key) => call(() => connection.get<string>(key)),
    eval: (script, keys, args) => call(() => connection.eval(script, [...keys], [...args])),
    xdel: async (key, entryIds) => {
      await call(() => connection.xdel(key, [...entryIds]));
    },
  };
}
