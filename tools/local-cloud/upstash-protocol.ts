import { randomBytes } from 'node:crypto';
import { Command, Redis } from 'ioredis';
import type { HttpAnswer, HttpRequest, PreparedCall, Protocol } from './exchange.ts';
import { jsonAnswer } from './exchange.ts';
import { ScriptFlags } from './script-flags.ts';
import { confine, parseCommands, refusal } from './upstash-commands.ts';
import { encodeReply, type RedisReply } from './upstash-reply.ts';

/** What became of one command: Redis's answer, or Redis's error text. */
type Outcome = { reply: RedisReply } | { error: string };

/**
 * The Upstash Redis REST protocol over one logical database of a Redis server.
 * https://upstash.com/docs/redis/features/restapi
 *
 * `POST /` takes a command, `POST /pipeline` and `POST /multi-exec` lists of them. Not here: commands in the path,
 * tokens in the query, and streams of events.
 */
export class UpstashProtocol implements Protocol {
  readonly #redis: Redis;
  readonly #token: string;
  readonly #scripts = new ScriptFlags();
  /** Counts up with each successful command; with the random part no two runs share a token. */
  #syncCount = 0;
  readonly #syncRun = randomBytes(6).toString('hex');

  constructor(redis: Redis, token: string) {
    this.#redis = redis;
    this.#token = token;
  }

  prepare(request: HttpRequest): PreparedCall {
    const several = request.path !== '/';
    const commands = parseCommands(request.body, several);
    return {
      content: { store: 'redis', commands: commands ?? [] },
      carryOut: async () => this.#refuse(request) ?? (await this.#run(request, commands)),
    };
  }

  #refuse(request: HttpRequest): HttpAnswer | null {
    if (request.method !== 'POST')
      return jsonAnswer(405, { error: 'ERR method not allowed' }, { allow: 'POST' });
    if (request.headers.authorization !== `Bearer ${this.#token}`) {
      return jsonAnswer(401, { error: 'WRONGPASS invalid or missing auth token' });
    }
    if (!['/', '/pipeline', '/multi-exec'].includes(request.path)) {
      return jsonAnswer(404, { error: 'ERR endpoint not found' });
    }
    return null;
  }

  async #run(request: HttpRequest, commands: string[][] | null): Promise<HttpAnswer> {
    const kind = request.path === '/' ? 'command' : 'pipeline request';
    if (commands === null) return jsonAnswer(400, { error: `ERR failed to parse ${kind}` });
    if (commands.length === 0) return jsonAnswer(400, { error: 'ERR empty pipeline request' });
    const base64 = request.headers['upstash-encoding'] === 'base64';
    const asJson = (outcome: Outcome): unknown =>
      'error' in outcome ? outcome : { result: encodeReply(outcome.reply, base64) };
    try {
      const outcomes =
        request.path === '/multi-exec' ? await this.#transact(commands) : await this.#each(commands);
      if (!Array.isArray(outcomes)) return jsonAnswer(400, outcomes);
      const [first] = outcomes;
      if (request.path === '/' && first !== undefined) {
        if ('error' in first) return jsonAnswer(400, first);
        return jsonAnswer(200, asJson(first), this.#nextSyncToken());
      }
      return jsonAnswer(200, outcomes.map(asJson), this.#nextSyncToken());
    } catch {
      return jsonAnswer(500, { error: 'ERR the Redis server cannot be reached' });
    }
  }

  #nextSyncToken(): Record<string, string> {
    this.#syncCount += 1;
    return { 'upstash-sync-token': `${this.#syncRun}-${this.#syncCount}` };
  }

  /** Sends all commands in order on one connection; others may come in between. */
  #each(commands: string[][]): Promise<Outcome[]> {
    return Promise.all(commands.map((args) => this.#send(args)));
  }

  /** All or nothing; `{error}` where a command could not even be queued. */
  async #transact(commands: string[][]): Promise<Outcome[] | { error: string }> {
    const discarded = { error: 'EXECABORT Transaction discarded because of previous errors.' };
    if (commands.some((args) => refusal(args) !== null)) return discarded;
    const rewritten = commands.map((args) => this.#scripts.rewrite(confine(args)));
    // Written in one go to the one connection, so no other call's command comes between MULTI and EXEC.
    const sent = [['multi'], ...rewritten.map(({ args }) => args), ['exec']].map((args) => this.#call(args));
    const outcome = (await Promise.all(sent)).at(-1);
    if (outcome === undefined) return discarded;
    if ('error' in outcome) return { error: outcome.error };
    if (!Array.isArray(outcome.reply)) return discarded;
    return outcome.reply.map((reply, index): Outcome => {
      if (reply instanceof Error) return { error: reply.message };
      const instead = rewritten[index]?.reply ?? null;
      return { reply: instead === null ? reply : Buffer.from(instead) };
    });
  }

  async #send(original: string[]): Promise<Outcome> {
    const refused = refusal(original);
    if (refused !== null) return { error: refused };
    const { args, reply } = this.#scripts.rewrite(confine(original));
    const outcome = await this.#call(args);
    return reply === null || 'error' in outcome ? outcome : { reply: Buffer.from(reply) };
  }

  /** Rejects when Redis does not answer: it is down, or the connection broke. */
  async #call([name = '', ...args]: string[]): Promise<Outcome> {
    try {
      return { reply: (await this.#redis.sendCommand(new RawCommand(name, args))) as RedisReply };
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return { error: error.message };
      throw error;
    }
  }
}

/** A command whose answer stays as Redis sent it: the client would turn HGETALL's into an object, say. */
class RawCommand extends Command {
  override transformReply(reply: Buffer | Buffer[]): Buffer | Buffer[] {
    return reply;
  }
}

/** A client for one logical database that fails at once, rather than wait or repeat, while Redis is away. */
export async function connectRedis(url: string, database: number): Promise<Redis> {
  const redis = new Redis(url, {
    db: database,
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 50,
    disableClientInfo: true,
  });
  // Each failed command tells; without a listener the client would print.
  redis.on('error', () => undefined);
  await redis.connect();
  return redis;
}
