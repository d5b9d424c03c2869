import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LocalCloud } from '../local-cloud/local-cloud.ts';
import { OUTPUT } from './bundles.ts';
import { measureBacklog, measureDelivery } from './scale/delivery-part.ts';
import { measureLoad } from './scale/load-part.ts';
import { scaleMarkdown, type ScaleReport } from './scale/scale-report.ts';
import { openScaleStage } from './scale/stage.ts';
import { WORKERD_VERSION } from './workerd.ts';

// `npm run scale`: what the service bears. A steady load, a million rows through the outbox, a backlog of it.

const PARTS = ['load', 'delivery', 'backlog'] as const;
const HELP = `
Usage: npm run scale -- [--seconds N] [--rows N] [--backlog N] [--only PART[,PART]]

  --seconds  of each steady load; 60 by default
  --rows     delivered one run of the cron after the other; 1000000 by default
  --backlog  events, for the time that the cron takes once a minute; 100000 by default
  --only     parts: ${PARTS.join(', ')}

Ends with 1 where an answer is not the expected one, a row is missing or too many, or memory keeps growing.
`;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rows: { type: 'string', default: '1000000' },
    backlog: { type: 'string', default: '100000' },
    only: { type: 'string', default: PARTS.join(',') },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(HELP);
  process.exit(0);
}
// Four samples of memory are the least that has quarters.
const seconds = wholeNumber('seconds', 4, 3600);
const rows = wholeNumber('rows', 1, 10_000_000);
const backlog = wholeNumber('backlog', 1, 10_000_000);
const wanted = flags.only.split(',');
for (const part of wanted) if (!PARTS.some((name) => name === part)) refuse(`--only ${part} names no part.`);

function wholeNumber(name: 'seconds' | 'rows' | 'backlog', min: number, max: number): number {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(`--${name} is ${flags[name]}, but must be a whole number from ${min} to ${max}.`);
}

function refuse(message: string): never {
  console.error(message + HELP);
  process.exit(2);
}

async function readVersions(cloud: LocalCloud): Promise<Record<string, string>> {
  const [mysql] = await cloud.query('SELECT VERSION() AS version');
  return {
    workerd: WORKERD_VERSION,
    Node: process.versions.node,
    Redis: /^redis_version:(\S+)/m.exec(await cloud.redis.info('server'))?.[1] ?? '',
    MySQL: String(mysql?.['version']),
  };
}

// Ends the Workers with this process; it ends the servers.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

console.log('Starting Redis and MySQL, building the Worker ...');
const stage = await openScaleStage();
try {
  const report: ScaleReport = {
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run scale', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(
      ' ',
    ),
    machine: `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`,
    versions: await readVersions(stage.cloud),
    load: wanted.includes('load') ? await measureLoad(stage, seconds) : [],
    delivery: wanted.includes('delivery') ? await measureDelivery(stage, rows) : null,
    backlog: wanted.includes('backlog') ? await measureBacklog(stage, backlog) : null,
  };
  console.log(`\n${scaleMarkdown(report)}`);
  const path = join(OUTPUT, `scale-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}.json`);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`Every second and every run is in ${path}`);
  const isBorne = report.load.every(
    ({ errors, wrongRows, rss }) => errors === 0 && wrongRows === null && rss.isFlat,
  );
  if (!isBorne) process.exitCode = 1;
} finally {
  await stage.cloud.stop();
}
