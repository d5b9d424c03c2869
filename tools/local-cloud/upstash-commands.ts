/**
 * Commands that a REST call cannot have: they block, subscribe, or change the connection that all calls share.
 * https://upstash.com/docs/redis/features/restapi#rest---redis-api-compatibility
 */
const UNAVAILABLE = new Set(
  `subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe monitor sync psync replicaof slaveof failover
  blpop brpop blmove brpoplpush blmpop bzpopmin bzpopmax bzmpop wait waitaof watch unwatch multi exec discard
  auth hello select swapdb move migrate client config acl cluster module debug shutdown quit reset readonly readwrite
  asking save bgsave bgrewriteaof lastsave latency slowlog`.split(/\s+/),
);

/** Redis's text for why a command is not carried out here, or null where it may go on. */
export function refusal(args: readonly string[]): string | null {
  const name = args[0]?.toLowerCase() ?? '';
  const blocks =
    (name === 'xread' || name === 'xreadgroup') && args.some((word) => word.toLowerCase() === 'block');
  if (!blocks && !UNAVAILABLE.has(name)) return null;
  return `ERR Command is not available: '${args[0]}'`;
}

/** One Upstash database is one logical database here: emptying it must not empty its neighbours. */
export function confine(args: string[]): string[] {
  return args[0]?.toLowerCase() === 'flushall' ? ['flushdb', ...args.slice(1)] : args;
}

/**
 * The commands of a request body: one for `/`, several for the other paths; null where the body is not that.
 *
 * Numbers and booleans become the text they were written with: the client sends `true` and `1` as JSON values.
 */
export function parseCommands(body: string, several: boolean): string[][] | null {
  let value: unknown;
  try {
    value = parseKeepingNumbers(body);
  } catch {
    return null;
  }
  const list = several ? value : [value];
  if (!Array.isArray(list)) return null;
  const commands: string[][] = [];
  for (const item of list) {
    if (!Array.isArray(item) || item.length === 0) return null;
    const args: string[] = [];
    for (const arg of item as unknown[]) {
      if (typeof arg === 'string') args.push(arg);
      else if (typeof arg === 'boolean') args.push(String(arg));
      else return null;
    }
    commands.push(args);
  }
  return commands;
}

/** JSON.parse that gives numbers as their source text: 1.50 and 9007199254740993 arrive as they were sent. */
function parseKeepingNumbers(body: string): unknown {
  const keep = (_key: string, value: unknown, context: { source: string }): unknown =>
    typeof value === 'number' ? context.source : value;
  return JSON.parse(body, keep as (key: string, value: unknown) => unknown);
}
