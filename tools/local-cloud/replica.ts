import type { Redis } from 'ioredis';
import type { ParsedCommand } from './upstash-commands.ts';
import type { RedisReply } from './upstash-reply.ts';

/** Plain reads of texts, the only ones that a replica serves here. Upstash serves any read, `EVAL_RO` among them. */
const READS = ['get', 'mget'];

/** Whether a command may write, as far as Upstash knows: it runs no EVAL on a replica. */
export const isWrite = (command: ParsedCommand): boolean =>
  command !== null && !READS.includes(command[0]?.toLowerCase() ?? '');

/**
 * A replica that lags behind. Upstash serves plain reads from any replica of the region, on every paid database; only a
 * client that sends the sync token of its own last write sees that write for sure.
 * https://upstash.com/docs/redis/howto/readyourwrites
 */
export class Replica {
  #writes = 0;
  #frozen: { readonly values: ReadonlyMap<string, Buffer>; readonly writes: number } | null = null;

  noteWrite(): void {
    this.#writes += 1;
  }

  /** Keeps the present state. */
  async freeze(redis: Redis): Promise<void> {
    const values = new Map<string, Buffer>();
    const writes = this.#writes;
    for (const key of await redis.keys('*')) {
      if ((await redis.type(key)) !== 'string') continue;
      const value = await redis.getBuffer(key);
      if (value !== null) values.set(key, value);
    }
    this.#frozen = { values, writes };
  }

  thaw(): void {
    this.#frozen = null;
  }

  /** What a replica replies; null: the primary must. */
  read(command: ParsedCommand | undefined, syncToken: string | string[] | undefined): RedisReply | null {
    if (this.#frozen === null || !command || isWrite(command)) return null;
    if (typeof syncToken === 'string' && Number(syncToken) > this.#frozen.writes) return null;
    const { values } = this.#frozen;
    const replies = command.slice(1).map((key) => values.get(key) ?? null);
    return command[0]?.toLowerCase() === 'get' ? (replies[0] ?? null) : replies;
  }

  /** Clients send it along with their next request. */
  token(): { 'upstash-sync-token': string } {
    return { 'upstash-sync-token': String(this.#writes) };
  }
}
