import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBuiltWorker } from '../../../tools/built-worker.ts';
import { startLocalCloud } from '../../../tools/local-cloud/local-cloud.ts';
import { applySqlFile } from '../../../tools/local-cloud/sql-file.ts';
import type { Ledger } from './ledger.ts';
import { runSoak, SOAK_SESSIONS_PER_USER } from './run-soak.ts';

// `npm run soak -- --seconds N --clients N --seed N`: the built Worker under load and faults, for as long as you
// like. Exits with 1 and the command to repeat it if a promise was broken.

const ROOT = join(import.meta.dirname, '../../..');
const DIRECTORY = join(ROOT, '.local/soak');
const VIOLATIONS_SHOWN = 40;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
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
const options = { seconds: numberOf('seconds'), clients: numberOf('clients'), seed: numberOf('seed') };

function print({ counts, violations, slowest, slowestMs }: Ledger): void {
  const lines = Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `  ${String(count).padStart(8)}  ${what}`);
  process.stdout.write(`${lines.join('\n')}\n  slowest response: ${Math.round(slowestMs)} ms (${slowest})\n`);
  for (const text of violations.slice(0, VIOLATIONS_SHOWN)) process.stdout.write(`VIOLATION ${text}\n`);
  if (violations.length > VIOLATIONS_SHOWN)
    process.stdout.write(`... and ${violations.length - VIOLATIONS_SHOWN} more\n`);
}

process.stdout.write(
  `Soaking for ${options.seconds} s with ${options.clients} clients, seed ${options.seed} ...\n`,
);
const cloud = await startLocalCloud({
  directory: DIRECTORY,
  templates: join(ROOT, '.local/mysql-templates'),
  fresh: true,
});
try {
  await applySqlFile(cloud, join(ROOT, 'schema.sql'));
  const worker = await openBuiltWorker(cloud, { MAX_SESSIONS_PER_USER: String(SOAK_SESSIONS_PER_USER) });
  try {
    const ledger = await runSoak({ cloud, worker, ...options });
    print(ledger);
    const repeat = `npm run soak -- --seconds ${options.seconds} --clients ${options.clients} --seed ${options.seed}`;
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
