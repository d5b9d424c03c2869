/**
 * Commands that one cloud must not run: they block, subscribe, change the connection that all requests share, or reach
 * beyond the cloud's own logical database. Upstash has none of them over REST but COPY and the functions.
 * https://upstash.com/docs/redis/features/restapi#rest---redis-api-compatibility
 */
const UNAVAILABLE = new Set(
  `subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe monitor sync psync replicaof slaveof failover
  blpop brpop blmove brpoplpush blmpop bzpopmin bzpopmax bzmpop wait waitaof watch unwatch multi exec discard
  auth hello select swapdb move copy migrate client config acl cluster module debug shutdown quit reset readonly
  readwrite asking save bgsave bgrewriteaof lastsave latency slowlog function fcall fcall_ro`.split(/\s+/),
);

/** The other parts of SCRIPT stop the whole server, or the script of a neighbour. */
const SCRIPT_COMMANDS = ['load', 'exists', 'flush'];

/** Redis's text for a command that is not available here, or null if it is. */
export function refusal([given = '', ...args]: readonly string[]): string | null {
  const name = given.toLowerCase();
  const refused =
    UNAVAILABLE.has(name) ||
    (name === 'script' && !SCRIPT_COMMANDS.includes(args[0]?.toLowerCase() ?? 'load')) ||
    (['xread', 'xreadgroup'].includes(name) && blocks(args));
  return refused ? `ERR Command is not available: '${given}'` : null;
}

/** One Upstash database is one logical database here: emptying it must not empty its neighbours. */
export function confine(args: string[]): string[] {
  return args[0]?.toLowerCase() === 'flushall' ? ['flushdb', ...args.slice(1)] : args;
}

/** True if BLOCK is among the options of XREAD or XREADGROUP; elsewhere the word is a name. */
function blocks(args: readonly string[]): boolean {
  const valuesOf: Record<string, number> = { group: 2, count: 1 };
  for (let i = 0; i < args.length; i += 1) {
    const word = args[i]?.toLowerCase() ?? '';
    if (word === 'block' || word === 'streams') return word === 'block';
    i += valuesOf[word] ?? 0;
  }
  return false;
}

/** A command, or null for one that is not a list of strings, numbers and booleans. */
export type ParsedCommand = string[] | null;

/**
 * The commands of a request body, one for `/`, several for the other paths; null if that is no list of lists.
 *
 * Numbers and booleans become the text they were written with: the client sends `true` and `1` as JSON values.
 */
export function parseCommands(body: string, several: boolean): ParsedCommand[] | null {
  let value: unknown;
  try {
    value = parseKeepingNumbers(body);
  } catch {
    return several ? null : [null];
  }
  if (!several) return [parseCommand(value)];
  return Array.isArray(value) && value.every(Array.isArray) ? value.map(parseCommand) : null;
}

function parseCommand(value: unknown): ParsedCommand {
  if (!Array.isArray(value) || value.length === 0) return null;
  const words = value.map((arg: unknown) => (typeof arg === 'boolean' ? String(arg) : arg));
  return words.every((word) => typeof word === 'string') ? words : null;
}

/** JSON.parse that gives numbers as their source text: 1.50 and 9007199254740993 arrive as they were sent. */
function parseKeepingNumbers(body: string): unknown {
  const keep = (_key: string, value: unknown, context: { source: string }): unknown =>
    typeof value === 'number' ? context.source : value;
  return JSON.parse(body, keep as (key: string, value: unknown) => unknown);
}
