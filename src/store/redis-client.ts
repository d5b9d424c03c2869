import { errors, Redis } from '@upstash/redis/cloudflare';
import { callStore, type Verdict } from './call-store.ts';
import type { StoreTrace } from './store-trace.ts';

/**
 * What we ask of Redis. Strings come back as strings; null means that there is no such key.
 * Each method throws `store_unavailable`.
 */
export interface RedisClient {
  /** One value of each key. A plain read: a replica may serve it, which lags behind. */
  mget(keys: readonly string[]): Promise<unknown>;
  /** One atomic step. Lua's false comes back as null. */
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  xdel(key: string, entryIds: readonly string[]): Promise<void>;
  /** About `count` keys. The cursor is `0` to begin with, and again at the end. */
  scan(cursor: string, count: number): Promise<{ readonly cursor: string; readonly keys: readonly string[] }>;
  keyCount(): Promise<number>;
}

interface RedisCredentials {
  readonly url: string;
  readonly token: string;
}

/** The vendor's client. It holds no connection, so one serves a whole isolate. `timeoutMs` is for each attempt. */
export function upstashRedis({ url, token }: RedisCredentials, timeoutMs: number): Redis {
  return new Redis({
    url,
    token,
    // `callStore` tries again. (`retry: false` would still try twice.)
    retry: { retries: 0 },
    // A function: an aborted signal object would come back as a value.
    signal: () => AbortSignal.timeout(timeoutMs),
    // Scripts return texts, digits among them, and all that we store is text that JSON can hold.
    automaticDeserialization: false,
    responseEncoding: false,
    // It may reorder commands.
    enableAutoPipelining: false,
    enableTelemetry: false,
    latencyLogging: false,
  });
}

// The client exposes neither the status nor a code, but Redis's own errors begin with one.
const REDIS_ERROR = /^([A-Z]+) /;
/** Errors that pass: of a server that starts, fails over or runs a long script. Others would come again. */
const PASSING_ERROR = /^(BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|NOREPLICAS|READONLY|TRYAGAIN)$/;

/** The client's texts hold the command with its keys and values, so only the kind of error leaves this file. */
function classify(error: unknown): Verdict {
  if (error instanceof errors.UpstashJSONParseError) return { fault: 'protocol', final: false };
  if (error instanceof errors.UpstashError) {
    const redisError = REDIS_ERROR.exec(error.message)?.[1];
    return redisError === undefined
      ? { fault: 'refused', final: false }
      : { fault: 'refused', final: !PASSING_ERROR.test(redisError), said: { redisError } };
  }
  // Thrown for a reply without `result`, which must not read as "no such key".
  if (error instanceof TypeError && /did not return a result/.test(error.message)) {
    return { fault: 'protocol', final: false };
  }
  return { fault: 'unreachable', final: false };
}

/** The client of one request: each command is traced, limited in time and tried again as `callStore` says. */
export function redisClient(redis: Redis, timeoutMs: number, trace: StoreTrace): RedisClient {
  const call = <T>(send: () => Promise<T>): Promise<T> =>
    callStore({ store: 'redis', trace, timeoutMs, classify }, send);
  return {
    mget: (keys) => call(() => redis.mget([...keys])),
    eval: (script, keys, args) => call(() => redis.eval(script, [...keys], [...args])),
    async xdel(key, entryIds) {
      await call(() => redis.xdel(key, [...entryIds]));
    },
    async scan(from, count) {
      const [cursor, keys] = await call(() => redis.scan(from, { count }));
      return { cursor, keys };
    },
    keyCount: () => call(() => redis.dbsize()),
  };
}
