import { Command, type Redis } from 'ioredis';
import {
  jsonResponse,
  type HttpRequest,
  type HttpResponse,
  type PreparedCall,
  type Protocol,
} from './exchange.ts';
import { isWrite, Replica } from './replica.ts';
import { ScriptGuard } from './script-guard.ts';
import { confine, parseCommands, refusal, type ParsedCommand } from './upstash-commands.ts';
import { encodeReply, type RedisReply } from './upstash-reply.ts';

/** What became of one command: Redis's reply, or Redis's error text. */
type Outcome = { reply: RedisReply } | { error: string };

export interface UpstashOptions {
  redis: Redis;
  /** A connection of its own, as the other one waits while a script runs. */
  killer: Redis;
  token: string;
  /** A script that runs for longer than this is ended with SCRIPT KILL, unless it has written something. */
  scriptLimitMs: number;
}

/**
 * The Upstash Redis REST protocol over one logical database of a Redis server.
 * https://upstash.com/docs/redis/features/restapi
 *
 * `POST /` takes a command, `POST /pipeline` and `POST /multi-exec` lists of them. Not here: commands in the path,
 * tokens in the query, and streams of events.
 */
export class UpstashProtocol implements Protocol {
  readonly #options: UpstashOptions;
  readonly #scripts = new ScriptGuard();
  readonly #replica = new Replica();

  constructor(options: UpstashOptions) {
    this.#options = options;
  }

  /** Whether the database is out of memory: it then refuses what needs more. */
  setFull(isFull: boolean): void {
    this.#scripts.isFull = isFull;
  }

  /** While true, plain reads of clients that haven't written since see the state of the moment it became true. */
  async setReplicaLag(isLagging: boolean): Promise<void> {
    if (isLagging) await this.#replica.freeze(this.#options.redis);
    else this.#replica.thaw();
  }

  prepare(request: HttpRequest): PreparedCall {
    const commands = parseCommands(request.body, request.path !== '/');
    return {
      content: { store: 'redis', commands: commands?.filter((command) => command !== null) ?? [] },
      carryOut: async () => this.#refuse(request) ?? (await this.#run(request, commands)),
    };
  }

  #refuse({ method, path, headers }: HttpRequest): HttpResponse | null {
    if (method !== 'POST') return jsonResponse(405, { error: 'ERR method not allowed' }, { allow: 'POST' });
    if (headers.authorization !== `Bearer ${this.#options.token}`)
      return jsonResponse(401, { error: 'WRONGPASS invalid or missing auth token' });
    if (!['/', '/pipeline', '/multi-exec'].includes(path))
      return jsonResponse(404, { error: 'ERR endpoint not found' });
    return null;
  }

  async #run({ path, headers }: HttpRequest, commands: ParsedCommand[] | null): Promise<HttpResponse> {
    if (commands === null) return jsonResponse(400, { error: 'ERR failed to parse pipeline request' });
    if (commands.length === 0) return jsonResponse(400, { error: 'ERR empty pipeline request' });
    const base64 = headers['upstash-encoding'] === 'base64';
    const kill = (): void => void this.#options.killer.script('KILL').catch(() => undefined);
    // Redis refuses it while no script runs for too long, so a request that only waits for its turn does no harm.
    const timer = setTimeout(kill, this.#options.scriptLimitMs);
    try {
      const stale = path === '/' ? this.#replica.read(commands[0], headers['upstash-sync-token']) : null;
      if (stale !== null)
        return jsonResponse(200, { result: encodeReply(stale, base64) }, this.#replica.token());
      if (commands.some(isWrite)) this.#replica.noteWrite();
      const outcomes = path === '/multi-exec' ? await this.#transact(commands) : await this.#each(commands);
      if (!Array.isArray(outcomes)) return jsonResponse(400, outcomes);
      const results = outcomes.map((outcome) =>
        'error' in outcome ? outcome : { result: encodeReply(outcome.reply, base64) },
      );
      if (path !== '/') return jsonResponse(200, results, this.#replica.token());
      const [result = {}] = results;
      return 'error' in result ? jsonResponse(400, result) : jsonResponse(200, result, this.#replica.token());
    } catch {
      return jsonResponse(500, { error: 'ERR the Redis server cannot be reached' });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends all commands in order on one connection; others may come in between. */
  #each(commands: ParsedCommand[]): Promise<Outcome[]> {
    return Promise.all(commands.map((command) => this.#send(command)));
  }

  /** All or nothing; `{error}` if a command could not even be queued. */
  async #transact(commands: ParsedCommand[]): Promise<Outcome[] | { error: string }> {
    const discarded = { error: 'EXECABORT Transaction discarded because of previous errors.' };
    const valid = commands.filter((command) => command !== null && refusal(command) === null) as string[][];
    if (valid.length < commands.length) return discarded;
    const rewritten = valid.map((command) => this.#scripts.rewrite(confine(command)));
    // Written in one go to the one connection, so no other request's command comes between MULTI and EXEC.
    const sent = [['multi'], ...rewritten.map(({ args }) => args), ['exec']].map((args) => this.#call(args));
    const outcome = (await Promise.all(sent)).at(-1) ?? discarded;
    if ('error' in outcome) return outcome;
    return (outcome.reply as RedisReply[]).map((reply, index): Outcome => {
      if (reply instanceof Error) return { error: reply.message };
      const instead = rewritten[index]?.reply ?? null;
      return { reply: instead === null ? reply : Buffer.from(instead) };
    });
  }

  async #send(command: ParsedCommand): Promise<Outcome> {
    if (command === null) return { error: 'ERR failed to parse command' };
    const refused = refusal(command);
    if (refused !== null) return { error: refused };
    const { args, reply } = this.#scripts.rewrite(confine(command));
    const outcome = await this.#call(args);
    return reply === null || 'error' in outcome ? outcome : { reply: Buffer.from(reply) };
  }

  /** Rejects if Redis does not reply: it is down, or the connection broke. */
  async #call([name = '', ...args]: string[]): Promise<Outcome> {
    try {
      return { reply: (await this.#options.redis.sendCommand(new RawCommand(name, args))) as RedisReply };
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return { error: error.message };
      throw error;
    }
  }
}

/** A command whose reply stays as Redis sent it: the client would turn HGETALL's into an object, for example. */
class RawCommand extends Command {
  override transformReply(reply: Buffer | Buffer[]): Buffer | Buffer[] {
    return reply;
  }
}
