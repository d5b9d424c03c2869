import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import type { LocalCloud } from '../local-cloud/local-cloud.ts';
import { OUTPUT, ROOT } from './bundles.ts';
import { formatNumber } from './format-number.ts';
import { WORKERD_VERSION } from './workerd.ts';

const [loadAverage = Number.NaN] = loadavg();

/** Prints a report as Markdown, as the documentation has it, and writes everything that was measured as JSON. */
export async function publish(
  command: 'bench' | 'scale',
  cloud: LocalCloud,
  sections: readonly string[],
  data: object,
): Promise<void> {
  const now = new Date().toISOString();
  const [mysql] = await cloud.query('SELECT VERSION() AS version');
  const versions = {
    workerd: WORKERD_VERSION,
    Node: process.versions.node,
    Hono: packageVersion('hono'),
    '@upstash/redis': packageVersion('@upstash/redis'),
    Redis: /^redis_version:(\S+)/m.exec(await cloud.redis.info('server'))?.[1] ?? '',
    MySQL: String(mysql?.['version']),
  };
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`;
  const line = ['npm run', command, ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])];
  const head =
    `${now.slice(0, 10)}, ${machine}, load average before ${formatNumber(loadAverage, 2)}, \`${line.join(' ')}\`  \n` +
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ');
  console.log(`\n${[head, ...sections].join('\n\n')}\n`);
  const path = join(OUTPUT, `${command}-${now.replace(/\D/g, '').slice(0, 14)}.json`);
  writeFileSync(path, `${JSON.stringify({ now, machine, loadAverage, versions, ...data }, null, 2)}\n`);
  console.log(`All figures are in ${path}`);
}

function packageVersion(name: string): string {
  const path = join(ROOT, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
