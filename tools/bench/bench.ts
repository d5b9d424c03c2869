import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { OUTPUT, ROOT } from './bundles.ts';
import { measureCell, type Bench, type Sample, type StoreCost } from './measure.ts';
import { measureMemory, type SessionMemory } from './memory.ts';
import { toMarkdown, type Report } from './report.ts';
import { rowOf, type Row } from './rows.ts';
import { measureScale } from './scale.ts';
import { CELLS, SCENARIO_NAMES, type Cell } from './scenarios.ts';
import { openBench } from './stage.ts';
import { measureStartUps } from './start-up.ts';
import { judge } from './targets.ts';
import { WORKERD_VERSION } from './workerd.ts';

// `npm run bench`: what the service costs beside a bare Worker and beside better-auth, over one local cloud.

const PARTS = [...SCENARIO_NAMES, 'start-up', 'memory', 'scale'];
const HELP = `
Usage: npm run bench -- [--seconds N] [--rounds N] [--only WORD[,WORD]]

  --seconds  measured for each row in each round, twice that for sign-ins; 1 by default
  --rounds   that all rows take in turn, medians are told; 5 by default
  --only     parts to measure: ${PARTS.join(', ')}
`;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(HELP);
  process.exit(0);
}
const seconds = positive('seconds', flags.seconds);
const rounds = Math.ceil(positive('rounds', flags.rounds));
const words = flags.only.split(',').filter((word) => word !== '');
for (const word of words)
  if (!PARTS.some((part) => part.includes(word))) refuse(`--only ${word} names no part.`);
const isWanted = (part: string): boolean => words.length === 0 || words.some((word) => part.includes(word));

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 60)) refuse(`--${name} is ${text}, but must be above 0 and at most 60.`);
  return value;
}

function refuse(message: string): never {
  console.error(message + HELP);
  process.exit(2);
}

/** Lets the cells take their rounds in turn: what disturbs the machine for a while disturbs them all. */
async function measureRows(bench: Bench, cells: readonly Cell[]): Promise<Row[]> {
  const samples = new Map<Cell, Sample[]>(cells.map((cell) => [cell, []]));
  const costs = new Map<Cell, StoreCost>();
  for (let round = 0; round < rounds; round += 1) {
    for (const cell of cells) {
      console.log(`Round ${round + 1} of ${rounds}: ${cell.scenario}, ${cell.candidate} ${cell.variant}`);
      const { sample, cost } = await measureCell(bench, cell, round === 0);
      samples.get(cell)?.push(sample);
      if (cost !== null) costs.set(cell, cost);
    }
  }
  return cells.flatMap((cell) => {
    const cost = costs.get(cell);
    return cost === undefined ? [] : [rowOf(cell, samples.get(cell) ?? [], cost)];
  });
}

async function readVersions(bench: Bench): Promise<Record<string, string>> {
  const { dependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'better-auth/package.json'), 'utf8'),
  ) as { dependencies: Record<string, string> };
  const hono = JSON.parse(readFileSync(join(ROOT, 'node_modules/hono/package.json'), 'utf8')) as {
    version: string;
  };
  const [mysql] = await bench.cloud.query('SELECT VERSION() AS version');
  return {
    workerd: WORKERD_VERSION,
    Node: process.versions.node,
    Hono: hono.version,
    'better-auth': dependencies['better-auth'] ?? '',
    Redis: /^redis_version:(\S+)/m.exec(await bench.cloud.redis.info('server'))?.[1] ?? '',
    MariaDB: String(mysql?.['version']),
  };
}

// Ends the Workers with this process; it ends the servers.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const startedAt = Date.now();
console.log('Starting Redis and MySQL, building the Workers ...');
const bench = await openBench(seconds);
try {
  const { candidates, cloud } = bench;
  const rows = await measureRows(
    bench,
    CELLS.filter(({ scenario }) => isWanted(scenario)),
  );
  const startUps = isWanted('start-up')
    ? await measureStartUps(bench, [
        candidates.service,
        candidates.floor,
        candidates['better-auth'],
        candidates.empty,
      ])
    : {};
  const memory: SessionMemory[] = [];
  if (isWanted('memory')) {
    for (const sessionsPerUser of [1, 2]) {
      console.log(`Memory of 100,000 sessions, ${sessionsPerUser} a user`);
      memory.push(await measureMemory(cloud.redis, sessionsPerUser));
    }
  }
  const check = CELLS.find((cell) => cell.variant === 'bearer' && cell.scenario === 'session check');
  if (isWanted('scale')) console.log('A check and a sign-out everywhere among a million sessions');
  const scale = check !== undefined && isWanted('scale') ? await measureScale(bench, check) : [];
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(
      ' ',
    ),
    machine: `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`,
    versions: await readVersions(bench),
    rows,
    bundles: Object.values(candidates).map(({ bundle }) => bundle),
    startUps,
    memory,
    scale,
    targets: judge(rows, candidates.service.bundle, memory),
  };
  console.log(`\n${toMarkdown(report)}`);
  const path = join(OUTPUT, `${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}.json`);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`${Math.round((Date.now() - startedAt) / 1000)} s; every round is in ${path}`);
} finally {
  await bench.stop();
}
