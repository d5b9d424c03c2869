import type { KeyScan } from '../../src/session/session-admin.ts';
import { callStore, NO_TRACE, StoreUnavailableError } from '../../src/store/store-call.ts';
import type { RedisCredentials } from '../../src/store/upstash-client.ts';

/**
 * SCAN and DBSIZE over Upstash's REST protocol, as plain commands: only scripts go through the Worker's client,
 * and walking over all keys is nothing to hold the database's lock for.
 */
export function upstashKeyScan({ url, token }: RedisCredentials, timeoutMs: number): KeyScan {
  const command = (words: readonly string[]): Promise<unknown> =>
    callStore(
      {
        store: 'redis',
        trace: NO_TRACE,
        timeoutMs,
        classify: () => ({ fault: 'unreachable', final: false }),
      },
      async (signal) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
          body: JSON.stringify(words),
          signal: signal(),
        });
        if (response.status >= 400 && response.status < 500)
          throw new StoreUnavailableError('redis', 'refused');
        return ((await response.json()) as { result?: unknown }).result;
      },
    );

  return {
    async scan(from, count) {
      const [cursor, keys] = asArray(await command(['SCAN', from, 'COUNT', String(count)]));
      return { cursor: String(cursor), keys: asArray(keys).map(String) };
    },
    async keyCount() {
      const size = await command(['DBSIZE']);
      if (typeof size !== 'number') throw new StoreUnavailableError('redis', 'protocol');
      return size;
    },
  };
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new StoreUnavailableError('redis', 'protocol');
  return value;
}
