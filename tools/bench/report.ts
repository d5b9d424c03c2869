import type { Bundle } from './bundles.ts';
import type { SessionMemory } from './memory.ts';
import type { Row } from './rows.ts';
import type { Scale } from './scale.ts';
import type { StartUp } from './start-up.ts';
import type { Target } from './targets.ts';

export interface Report {
  date: string;
  command: string;
  machine: string;
  versions: Record<string, string>;
  rows: Row[];
  bundles: Bundle[];
  startUps: Record<string, StartUp>;
  memory: SessionMemory[];
  scale: Scale[];
  targets: Target[];
}

const number = (value: number, digits = 2): string => value.toFixed(digits);
const kib = (bytes: number): string => number(bytes / 1024, 1);

/** The report as Markdown: the form it has on the screen and in the documentation. */
export function toMarkdown(report: Report): string {
  const { versions } = report;
  const sections = [
    `${report.date}, ${report.machine}, \`${report.command}\`  \n` +
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
  ];
  if (report.rows.length > 0) {
    sections.push(
      table(
        ['scenario', 'candidate', 'CPU ms', 'req/s', 'p50 ms', 'p99 ms', 'waits', 'Redis', 'SQL'],
        report.rows.map((row) => [
          row.scenario,
          row.candidate + (row.variant === '' ? '' : `, ${row.variant}`),
          number(row.median.cpuMs, row.median.cpuMs < 10 ? 3 : 1),
          number(row.median.requestsPerSecond, row.median.requestsPerSecond < 100 ? 1 : 0),
          number(row.median.p50Ms),
          number(row.median.p99Ms),
          String(row.cost.before.roundTrips),
          beforeAndBehind(row.cost.before.redisCommands, row.cost.all.redisCommands),
          beforeAndBehind(row.cost.before.sqlStatements, row.cost.all.sqlStatements),
        ]),
      ),
    );
  }
  sections.push(
    table(
      ['bundle', 'KiB', 'KiB gzip', 'start-up CPU ms', 'start-up ms'],
      report.bundles.map((bundle) => {
        const startUp = report.startUps[bundle.name];
        const times =
          startUp === undefined ? ['', ''] : [number(startUp.cpuMs, 0), number(startUp.elapsedMs, 0)];
        return [bundle.name, kib(bundle.bytes), kib(bundle.gzipBytes), ...times];
      }),
    ),
  );
  if (report.scale.length > 0) {
    sections.push(
      table(
        ['sessions in Redis', 'operation', 'commands in Redis', 'µs in Redis', 'CPU ms', 'p50 ms', 'p99 ms'],
        report.scale.flatMap(({ sessions, check, checkInRedis, revokeAll }) => [
          [
            sessions.toLocaleString('en'),
            'session check',
            String(checkInRedis.commands),
            String(checkInRedis.microseconds),
            number(check.cpuMs, 3),
            number(check.p50Ms),
            number(check.p99Ms),
          ],
          ...revokeAll.map(({ ownSessions, commands, microseconds }) => [
            sessions.toLocaleString('en'),
            `revoke all of a user's ${ownSessions}`,
            String(commands),
            String(microseconds),
            ...['', '', ''],
          ]),
        ]),
      ),
    );
  }
  sections.push(
    table(
      ['target', 'limit', 'measured', ''],
      report.targets.map(({ what, limit, measured, isMet }) => [
        what,
        limit,
        measured,
        isMet ? 'met' : 'missed',
      ]),
    ),
  );
  return sections.join('\n\n') + '\n';
}

/** `1 + 2`: one before the answer, two behind it. */
const beforeAndBehind = (before: number, all: number): string =>
  all === before ? String(before) : `${before} + ${all - before}`;

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
