import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBuiltWorker } from '../../../tools/built-worker.ts';
import { startLocalCloud } from '../../../tools/local-cloud/local-cloud.ts';
import { applySqlFile } from '../../../tools/local-cloud/sql-file.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import type { SoakWorker } from './http.ts';
import type { Ledger } from './ledger.ts';
import { runExpiringSoak } from './run-expiring-soak.ts';
import { runSoak, SOAK_SESSIONS_PER_USER } from './run-soak.ts';

// `npm run soak -- --seconds N --clients N --seed N`: the built Worker under load and faults, for as long as you
// like. With `--expiring N`, so many sessions that live for seconds, with a cron that stutters (`--cron-seconds N`). Exits
// with 1 and the command to repeat it if a promise was broken.

const ROOT = join(import.meta.dirname, '../../..');
const DIRECTORY = join(ROOT, '.local/soak');
const VIOLATIONS_SHOWN = 40;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '' },
    expiring: { type: 'string', default: '0' },
    'cron-seconds': { type: 'string', default: '60' },
    clients: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const numberOf = (name: keyof typeof values): number => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} must be a whole number\n`);
  process.exit(2);
};
const expiring = numberOf('expiring');
values.seconds ||= expiring > 0 ? '480' : '120';
const options = { seconds: numberOf('seconds'), clients: numberOf('clients'), seed: numberOf('seed') };
const cronSeconds = numberOf('cron-seconds');
const MAX_LIFE_SECONDS = 40;
/** A fault each 6 s or so: a run of the cron meets one or two. */
const EXPIRING_PAUSES = 8;
/** Of an expired session's row, after its end or the cron's return. */
const LATE_MAX_MS = 90_000;
const repeat =
  'npm run soak -- ' +
  (expiring > 0 ? `--expiring ${expiring} --cron-seconds ${cronSeconds}` : `--clients ${options.clients}`) +
  ` --seconds ${options.seconds} --seed ${options.seed}`;

function print({ counts, violations, slowest, slowestMs }: Ledger): void {
  const lines = Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `  ${String(count).padStart(8)}  ${what}`);
  process.stdout.write(`${lines.join('\n')}\n  slowest response: ${Math.round(slowestMs)} ms (${slowest})\n`);
  for (const text of violations.slice(0, VIOLATIONS_SHOWN)) process.stdout.write(`VIOLATION ${text}\n`);
  if (violations.length > VIOLATIONS_SHOWN)
    process.stdout.write(`... and ${violations.length - VIOLATIONS_SHOWN} more\n`);
}

/** As `runSoak`; prints how late the rows came. */
async function soakExpiring(cloud: CloudProxy, worker: SoakWorker): Promise<Ledger> {
  const { ledger, lateMs } = await runExpiringSoak({
    cloud,
    worker,
    count: expiring,
    cronSeconds,
    maxLifeSeconds: MAX_LIFE_SECONDS,
    pauses: EXPIRING_PAUSES,
    ...options,
  });
  const at = (share: number) => lateMs[Math.ceil(lateMs.length * share) - 1] ?? 0;
  process.stdout.write(
    `Rows of expired sessions, after the end or the cron's return: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, last ${at(1)} ms\n`,
  );
  if (at(0.99) > LATE_MAX_MS) ledger.violation(`one of a hundred rows came ${at(0.99)} ms late`);
  return ledger;
}

process.stdout.write(`${repeat}\n`);
const cloud = await startLocalCloud({
  directory: DIRECTORY,
  templates: join(ROOT, '.local/mysql-templates'),
  fresh: true,
});
try {
  await applySqlFile(cloud, join(ROOT, 'schema.sql'));
  const worker = await openBuiltWorker(cloud, { MAX_SESSIONS_PER_USER: String(SOAK_SESSIONS_PER_USER) });
  try {
    const ledger = await (expiring > 0
      ? soakExpiring(cloud, worker)
      : runSoak({ cloud, worker, ...options }));
    print(ledger);
    if (ledger.violations.length > 0) {
      process.stdout.write(`${ledger.violations.length} violations. To repeat: ${repeat}\n`);
      process.exitCode = 1;
    } else process.stdout.write('No promise was broken.\n');
  } finally {
    await worker.stop();
  }
} finally {
  await cloud.stop();
}
