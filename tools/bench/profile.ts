import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleService, OUTPUT } from './bundles.ts';
import { CELLS } from './scenarios.ts';
import { openBench } from './stage.ts';
import { spawnWorkerd, untilListening } from './workerd.ts';

// `node tools/bench/profile.ts --only "session check"`: where the service's CPU goes, function by function, from V8's
// sampling profiler in workerd. For reading; the `.cpuprofile` opens in Chrome DevTools.

const WARM_UP_REQUESTS = 15_000;
const SAMPLING_MICROSECONDS = 200;
const SHOWN = 45;

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}
interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'session check' },
    candidate: { type: 'string', default: 'service' },
    variant: { type: 'string', default: '' },
  },
});
const cell = CELLS.find(
  ({ scenario, candidate, variant }) =>
    scenario.includes(flags.only) && candidate === flags.candidate && variant.includes(flags.variant),
);
if (cell === undefined) throw new Error(`No row is called ${flags.only}, ${flags.candidate}`);

const bench = await openBench(Number(flags.seconds));
try {
  const { bundle, bindings } = bench.candidates[cell.candidate];
  // Whole names instead of single letters.
  const readable = cell.candidate === 'service' ? bundleService({ minify: false }) : bundle;
  await using worker = await spawnWorkerd(readable, bindings, { inspect: true });
  await untilListening(worker, readable, { path: '/' });
  bench.stage.origins[cell.candidate] = worker.origin;
  const count = cell.repeat ? 200 : WARM_UP_REQUESTS + 500 * Number(flags.seconds);
  const requests = await cell.prepare(bench.stage, count);
  const { concurrency, repeat, expected } = cell;
  const order = { concurrency, repeat, expected, port: worker.port };
  const { load } = bench;
  const warming = cell.repeat ? requests : requests.splice(0, WARM_UP_REQUESTS);
  await load.run({ ...order, requests: warming, limit: WARM_UP_REQUESTS, forMs: 20_000 });

  const devTools = await connect(worker.inspectorPort ?? 0);
  await devTools.call('Profiler.enable');
  await devTools.call('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
  await devTools.call('Profiler.start');
  const { count: answered } = await load.run({ ...order, requests, forMs: 1000 * Number(flags.seconds) });
  const { profile } = (await devTools.call('Profiler.stop')) as { profile: CpuProfile };
  devTools.close();
  mkdirSync(OUTPUT, { recursive: true });
  const path = join(OUTPUT, `${cell.scenario.replaceAll(/\W+/g, '-')}-${cell.candidate}.cpuprofile`);
  writeFileSync(path, JSON.stringify(profile));
  print(profile, answered);
  console.log(`\n${answered} requests; ${path}`);
} finally {
  await bench.stop();
}

/** The Chrome DevTools protocol over a WebSocket: one call at a time is all that is needed. */
async function connect(port: number) {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const url = targets[0]?.webSocketDebuggerUrl;
  if (url === undefined) throw new Error('workerd offers nothing to inspect');
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`no DevTools on port ${port}`)), { once: true });
  });
  let lastId = 0;
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  return {
    call: (method: string, params: Record<string, unknown> = {}) =>
      new Promise<unknown>((resolve) => {
        lastId += 1;
        waiting.set(lastId, resolve);
        socket.send(JSON.stringify({ id: lastId, method, params }));
      }),
    close: () => socket.close(),
  };
}

/** Microseconds a request, by function: its own, and with what it calls. */
function print({ nodes, samples, timeDeltas }: CpuProfile, answered: number): void {
  const parentOf = new Map<number, number>();
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  for (const { id, children = [] } of nodes) for (const child of children) parentOf.set(child, id);
  const nameOf = (id: number): string => {
    const frame = nodeOf.get(id)?.callFrame;
    return frame === undefined ? '' : `${frame.functionName || '(anonymous)'} :${frame.lineNumber + 1}`;
  };
  const own = new Map<string, number>();
  const total = new Map<string, number>();
  samples.forEach((id, i) => {
    const spent = (timeDeltas[i] ?? 0) / answered;
    own.set(nameOf(id), (own.get(nameOf(id)) ?? 0) + spent);
    const seen = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parentOf.get(at)) seen.add(nameOf(at));
    for (const name of seen) total.set(name, (total.get(name) ?? 0) + spent);
  });
  for (const [title, times] of [
    ['own', own],
    ['with callees', total],
  ] as const) {
    console.log(`\nµs a request, ${title}`);
    const sorted = [...times].sort((a, b) => b[1] - a[1]);
    for (const [name, spent] of sorted.slice(0, SHOWN)) console.log(spent.toFixed(1).padStart(8), name);
  }
}
