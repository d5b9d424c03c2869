import { Option, type Command } from 'commander';
import type { ActivityFilter, Recorded } from '../stores/activity-search.ts';
import {
  LOGIN_OUTCOMES,
  LOGOUT_REASONS,
  atMsOf,
  type Activity,
  type LoginOutcome,
  type LogoutReason,
} from '../../../src/activity/events.ts';
import { unknownName } from '../../../src/auth/username.ts';
import { parseIpAddress } from '../../../src/lib/client-info.ts';
import {
  addCommand,
  setAction,
  pointInTime,
  wholeNumber,
  wordsOf,
  type CommonOptions,
  type Finish,
} from '../command.ts';
import { hasSecretKey } from '../environment.ts';
import { CliError, EXIT } from '../exit.ts';
import { parseUserId } from '../find-user.ts';
import { detailOf, formatRows, viewActivity, type ExportFormat } from '../activity-formats.ts';
import { exportRows, type Exported } from '../export-rows.ts';
import { followRows } from '../follow.ts';
import { note, printable, say, sayJson, sayTable, timeText, type Cell } from '../output.ts';
import { openStores, type Stores } from '../stores.ts';

const LIMIT = 50;
const AGENT_SHOWN = 60;

interface SearchOptions extends CommonOptions {
  readonly user?: string;
  readonly userId?: string;
  readonly ip?: string;
  readonly since?: number;
  readonly until?: number;
  /** Undefined: 50, or all for an export. */
  readonly limit?: number;
  readonly follow?: boolean;
  readonly format?: ExportFormat;
}

export function addActivityCommands(program: Command, finish: Finish): void {
  const logouts = addSearchOptions(
    addCommand(program, {
      signature: 'logouts',
      summary: 'search sign-outs and other ends of sessions, newest first',
      examples: [
        ['logouts --user ann --since 7d', 'of one user'],
        ['logouts --reason admin,revoked --json', 'by reason'],
        ['logouts --follow', 'new ones, until Ctrl-C'],
        ['logouts --since 2026-01-01 --format csv > logouts.csv', 'all of them, for a spreadsheet'],
      ],
    }),
  ).option('--reason <words>', `one or more of: ${LOGOUT_REASONS.join(', ')}`, wordsOf(LOGOUT_REASONS));
  setAction<SearchOptions & { reason?: LogoutReason[] }>(logouts, finish, async (options) => {
    const stores = openStores(options, 'database');
    const filter = await filterOf(stores, options, options.reason ?? [], 'logouts');
    const { activitySearch } = stores;
    await printActivity('logouts', options, stores, {
      filter,
      search: (each) => activitySearch.logouts(each),
      count: (each) => activitySearch.countLogouts(each),
    });
  });

  const logins = addSearchOptions(
    addCommand(program, {
      signature: 'logins',
      summary: 'search sign-ins and failed attempts, newest first',
      examples: [
        ['logins --ip 203.0.113.7 --since 24h', 'from one address'],
        ['logins --outcome bad_credentials,throttled --limit 200', 'what failed'],
        ['logins --follow --json', 'one JSON line each'],
        ['logins --format jsonl | gzip > logins.jsonl.gz', 'all of them, one JSON line each'],
      ],
    }),
  ).option('--outcome <words>', `one or more of: ${LOGIN_OUTCOMES.join(', ')}`, wordsOf(LOGIN_OUTCOMES));
  setAction<SearchOptions & { outcome?: LoginOutcome[] }>(logins, finish, async (options) => {
    const stores = openStores(options, 'database');
    const filter = await filterOf(stores, options, options.outcome ?? [], 'logins');
    const { activitySearch } = stores;
    await printActivity('logins', options, stores, {
      filter,
      search: (each) => activitySearch.logins(each),
      count: (each) => activitySearch.countLogins(each),
    });
  });
}

const addSearchOptions = (command: Command): Command =>
  command
    .option('--user <name>', 'only this user')
    .option('--user-id <id>', 'only the user with this number from users.id')
    .option('--ip <address>', 'only from this IPv4 or IPv6 address')
    .option(
      '--since <time>',
      'not before: 2026-11-23, 2026-11-23T20:00:00Z (UTC), or 15m, 24h, 7d ago',
      pointInTime,
    )
    .option('--until <time>', 'before this time', pointInTime)
    .option(
      '--limit <n>',
      `at most this many (default: ${LIMIT}, or all with --format)`,
      wholeNumber(1, 100_000_000),
    )
    .addOption(
      new Option('--format <format>', 'export all of them')
        .choices(['csv', 'jsonl'])
        .conflicts(['follow', 'json']),
    )
    .option('--follow', 'keep showing new ones until Ctrl-C');

async function filterOf<Detail extends string>(
  stores: Stores,
  options: SearchOptions,
  details: readonly Detail[],
  what: 'logouts' | 'logins',
): Promise<ActivityFilter<Detail>> {
  const ipAddress = parseIpAddress(options.ip ?? null);
  if (options.ip !== undefined && ipAddress === null)
    throw new CliError(EXIT.usage, '--ip is not an IP address.');
  const userId = options.userId === undefined ? null : parseUserId(options.userId);
  if (options.userId !== undefined && userId === null)
    throw new CliError(EXIT.usage, '--user-id is not a number from users.id.');
  requireWindow(options, Date.now());
  const name = options.user ?? null;
  // By the id behind the name, as they may have had another one. Only if no user has it (any more), by the name itself:
  // log-outs have no index on it, so that takes longer.
  const owner = name === null ? null : await stores.users.findByUsername(name);
  return {
    userId: userId ?? owner?.id ?? null,
    usernames: name === null || owner !== null ? [] : [name, ...unknownNames(stores, name, what)],
    ipAddress,
    sinceMs: options.since ?? null,
    untilMs: options.until ?? null,
    details,
    limit: options.limit ?? (options.format === undefined ? LIMIT : Number.MAX_SAFE_INTEGER),
    after: null,
    recordedFromMs: null,
  };
}

/** What failed attempts under a name are recorded as if no user has it. */
function unknownNames({ settings }: Stores, name: string, what: 'logouts' | 'logins'): string[] {
  if (what === 'logouts') return [];
  if (hasSecretKey(settings))
    return [settings.SECRET_KEY, ...settings.SECRET_KEY_FALLBACKS].map((key) => unknownName(name, key));
  note(
    'hoskie: SECRET_KEY is not set, so attempts under a name that no user has are not found: they hold a hash of it.',
  );
  return [];
}

/** A window of time in which nothing can be found is a mistake, not a result. */
function requireWindow({ since, until, follow }: SearchOptions, nowMs: number): void {
  if (follow === true && until !== undefined)
    throw new CliError(EXIT.usage, '--follow has no end: leave --until out.');
  if (since !== undefined && until !== undefined && since >= until)
    throw new CliError(EXIT.usage, '--since is not before --until.');
  if (since !== undefined && since > nowMs) throw new CliError(EXIT.usage, '--since is in the future.');
}

async function printActivity<Detail extends string>(
  what: 'logouts' | 'logins',
  options: SearchOptions,
  stores: Stores,
  searched: Omit<Exported<Detail>, 'format'>,
): Promise<void> {
  const { filter, search } = searched;
  if (options.format !== undefined) {
    await exportRows({ ...searched, format: await formatRows(options.format, what) });
    return;
  }
  if (options.follow === true) {
    const sayOne = (row: Recorded<Activity>): void =>
      options.json === true ? sayJson(viewActivity(row)) : say(lineOf(row));
    await followRows({ filter, search, nowMs: () => stores.activitySearch.nowMs() }, sayOne);
    return;
  }
  const rows = await search(filter);
  if (options.json === true) {
    sayJson({ [what]: rows.map(viewActivity) });
    return;
  }
  sayTable(['TIME', 'USER', 'WHAT', 'ADDRESS', 'COUNTRY', 'SESSION', 'AGENT'], rows.map(cellsOf));
}

const cellsOf = (row: Activity): Cell[] => [
  timeText(atMsOf(row)),
  row.username,
  detailOf(row),
  row.client.ipAddress,
  row.client.country,
  row.sessionId,
  row.client.userAgent?.slice(0, AGENT_SHOWN) ?? null,
];

/** Without columns: while following, the width of later rows is unknown. */
const lineOf = (row: Activity): string =>
  cellsOf(row)
    .map((cell) => printable(String(cell ?? '-')))
    .join('  ');
