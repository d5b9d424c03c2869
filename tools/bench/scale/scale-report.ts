import type { BacklogReport, DeliveryReport } from './delivery-part.ts';
import type { CronRun } from './drain.ts';
import type { LoadReport } from './load-part.ts';

export interface ScaleReport {
  date: string;
  command: string;
  machine: string;
  versions: Record<string, string>;
  load: LoadReport[];
  delivery: DeliveryReport | null;
  backlog: BacklogReport | null;
}

const RSS_STEP_SECONDS = 10;
const MIB = 2 ** 20;

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const digits = (value: number, count = 2): string => value.toFixed(count);

/** The report as Markdown: the form it has on the screen and in the documentation. */
export function scaleMarkdown(report: ScaleReport): string {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  const sections = [
    `${report.date}, ${report.machine}, \`${report.command}\`  \n${versions.join(', ')}`,
    ...report.load.map(loadSection),
  ];
  if (report.delivery !== null) sections.push(deliverySection('Delivery', report.delivery));
  if (report.backlog !== null) {
    sections.push(deliverySection('Backlog', report.backlog), backlogSection(report.backlog));
  }
  return `${sections.join('\n\n')}\n`;
}

function loadSection(load: LoadReport): string {
  const perSecond = (count: number): string => digits((1000 * count) / load.elapsedMs, 1);
  const rows = [...load.kinds, load.total].map(({ name, count, p50Ms, p99Ms }) => [
    name,
    whole(count),
    perSecond(count),
    digits(p50Ms),
    digits(p99Ms),
  ]);
  const { rss } = load;
  const steps = rss.mib.flatMap((mib, i) =>
    (i + 1) % RSS_STEP_SECONDS === 0 ? [`${i + 1} s ${whole(mib)}`] : [],
  );
  return [
    `Load ${load.mix}: ${load.connections} connections, ${digits(load.elapsedMs / 1000, 1)} s, ` +
      `${load.errors} errors${load.wrongRows === null ? '' : `, ${load.wrongRows}`}; load average before: ${digits(load.loadAverage)}`,
    table(['requests', 'count', 'req/s', 'p50 ms', 'p99 ms'], rows),
    `Each request: ${digits(load.cpuMsPerRequest, 3)} ms CPU of workerd, ${digits(load.redisCommandsPerRequest)} Redis commands, ` +
      `${digits(load.sqlStatementsPerRequest, 3)} SQL statements, ${whole(load.logBytesPerRequest)} bytes of log`,
    `Memory of workerd, MiB: ${steps.join(', ')}; second quarter ${digits(rss.secondQuarterMib, 1)}, ` +
      `last quarter ${digits(rss.lastQuarterMib, 1)}: ${rss.isFlat ? 'flat' : 'NOT FLAT'}`,
    `JavaScript in use after a garbage collection, MiB: ${digits(load.liveHeapMib.before, 1)} before the first request, ` +
      `${digits(load.liveHeapMib.after, 1)} after the last one`,
    ...load.firstErrors.map((error) => `Error: ${error}`),
  ].join('\n\n');
}

function deliverySection(title: string, { planted, runs, total, tableBytes, loadAverage }: DeliveryReport) {
  const perThousand = (value: number): string => digits((1000 * value) / total.rows, 1);
  const lines: [string, string][] = [
    ['events', `${whole(planted.logins)} sign-ins, ${whole(planted.logouts)} sign-outs`],
    ['rows, none twice, none missing', whole(total.rows)],
    ['events in the outbox, bytes each', digits(planted.payloadBytes / total.rows, 0)],
    ['memory of Redis for them', `${whole(planted.redisBytes / MIB)} MiB`],
    ['runs of the cron', String(runs.length)],
    ['seconds in all', digits(total.elapsedMs / 1000, 1)],
    ['rows/s', whole((1000 * total.rows) / total.elapsedMs)],
    ['seconds for a run, first and last', `${seconds(runs[0])}, ${seconds(runs.at(-1))}`],
    ['MySQL statements for 1,000 rows', perThousand(total.sqlStatements)],
    ['Redis commands for 1,000 rows', perThousand(total.redisCommands)],
    ['CPU ms of workerd for 1,000 rows', perThousand(total.cpuMs)],
    [
      'ms in MySQL and in Redis for 1,000 rows',
      `${perThousand(total.mysqlMs)}, ${perThousand(total.redisMs)}`,
    ],
    ['bytes a row in MySQL, indexes included', digits(tableBytes / total.rows, 0)],
    ['load average before', digits(loadAverage)],
  ];
  return table([title, ''], lines);
}

function backlogSection({ rowsPerRun, drainedAfterMs, runs, distant }: BacklogReport): string {
  const lines: [string, string][] = [
    ['rows that one run delivers at most', whole(rowsPerRun)],
    ['runs', String(runs.length)],
    ['drained after, one run a minute', `${digits(drainedAfterMs / 60_000, 1)} min`],
    [`a full run with stores ${distant.roundTripMs} ms away`, `${seconds(distant)} s`],
    ['subrequests of that run', String(distant.redisCommands + distant.sqlStatements)],
    ['CPU ms of that run', whole(distant.cpuMs)],
  ];
  return table(['Once a minute', ''], lines);
}

const seconds = (run: CronRun | undefined): string => digits((run?.elapsedMs ?? Number.NaN) / 1000, 1);

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
