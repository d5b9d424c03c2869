import type { Command } from 'commander';
import { EXPIRED_KEPT_SECONDS } from '../../../src/session/session-store.ts';
import type { Settings } from '../../../src/settings.ts';
import { checkRecord, type RecordReport } from '../check-record.ts';
import { addCommand, pointInTime, setAction, type Finish } from '../command.ts';
import { DIFFERENCE_KINDS, type DifferenceKind } from '../confirm-differences.ts';
import { CliError, EXIT } from '../exit.ts';
import { say, sayFirstRows, sayJson, timeText } from '../output.ts';
import { openStores } from '../stores.ts';

const MEANINGS: Readonly<Record<DifferenceKind, string>> = {
  no_end: 'signed in, but neither open nor recorded as ended',
  open_after_end: 'open, though recorded as ended',
  no_sign_in: 'open, but its sign-in is not recorded',
  end_overdue: 'expired, but its end is not recorded',
  end_not_awaited: 'open, but if it expires the cron will miss it',
};

const DAY_MS = 86_400_000;
/** What the cron may delete while the check runs. */
const RETENTION_MARGIN_MS = 3_600_000;

export function addRecordCommands(program: Command, finish: Finish): void {
  const record = program
    .command('record')
    .description('compare the sessions with the record of their activity');
  const check = addCommand(record, {
    signature: 'check',
    summary: 'find sessions that lack a row, and rows that lack their effect; exits with 1 if it finds any',
    examples: [
      ['record check', 'of all sign-ins whose session may be open; changes nothing'],
      ['record check --since 24h --json', 'of the sign-ins of the last day'],
    ],
  }).option(
    '--since <time>',
    'sign-ins not before: 2026-11-23, 2026-11-23T20:00:00Z (UTC), or 24h, 7d ago',
    pointInTime,
  );
  setAction<{ since?: number }>(check, finish, async (options) => {
    const stores = openStores(options, 'redis', 'database');
    const nowMs = await stores.sessionAdmin.nowMs();
    const sinceMs = sinceMsOf(stores.settings, options.since ?? null, nowMs);
    if (sinceMs >= nowMs) throw new CliError(EXIT.usage, '--since is in the future.');
    const report = await checkRecord(stores, sinceMs, nowMs);
    if (options.json === true) sayJson(viewReport(report, sinceMs));
    else sayReport(report, sinceMs);
    return report.differences.size > 0 ? EXIT.failed : EXIT.ok;
  });
}

/** By default as far back as a session may be in Redis; never so far that its rows may have been deleted. */
function sinceMsOf(settings: Settings, givenMs: number | null, nowMs: number): number {
  const longest = Math.max(settings.SESSION_COOKIE_AGE, settings.REMEMBER_ME_AGE) + EXPIRED_KEPT_SECONDS;
  const days = settings.ACTIVITY_RETENTION_DAYS;
  const keptFromMs = days === 0 ? 0 : nowMs - days * DAY_MS + RETENTION_MARGIN_MS;
  return Math.max(givenMs ?? nowMs - longest * 1000, keptFromMs);
}

const viewReport = ({ openSessions, expired, counts, differences }: RecordReport, sinceMs: number) => ({
  since: timeText(sinceMs),
  open_sessions: openSessions,
  expired,
  counts: Object.fromEntries(DIFFERENCE_KINDS.map((kind) => [kind, counts.get(kind) ?? 0])),
  differences: [...differences.values()].map(({ kind, userId, sessionId, atMs }) => ({
    kind,
    user_id: userId,
    session_id: sessionId,
    at: timeText(atMs),
  })),
});

function sayReport({ openSessions, expired, counts, differences }: RecordReport, sinceMs: number): void {
  say(`Open sessions ${openSessions}, expired and waiting for the cron ${expired}.`);
  say(`Compared with sign-ins since ${timeText(sinceMs)}.`);
  if (differences.size === 0) {
    say('No differences.');
    return;
  }
  for (const kind of DIFFERENCE_KINDS) {
    const count = counts.get(kind) ?? 0;
    if (count > 0) say(`${MEANINGS[kind]} (${kind}): ${count}.`);
  }
  sayFirstRows(
    ['SESSION', 'USER ID', 'DIFFERENCE', 'TIME'],
    [...differences.values()].map(({ kind, userId, sessionId, atMs }) => [
      sessionId,
      userId,
      kind,
      timeText(atMs),
    ]),
  );
}
