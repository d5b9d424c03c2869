import { Agent } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { send } from '../send.ts';
import type { KindResult, MixKind, MixOrder, MixResult } from './mix.ts';

// The thread of `runMix`.

const ERRORS_SHOWN = 5;
const PLACES_A_SHARE = 100;
const SEED = 2026;

async function run({ port, connections, forMs, kinds }: MixOrder): Promise<MixResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const order = shuffle(kinds);
  const latencies = kinds.map((): number[] => []);
  const used = kinds.map(() => 0);
  const firstErrors: string[] = [];
  let errors = 0;
  let next = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + forMs;
  const lane = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const place = order[next % order.length] ?? 0;
      next += 1;
      const kind = kinds[place];
      if (kind === undefined) throw new Error('The mix is empty');
      const index = used[place] ?? 0;
      used[place] = index + 1;
      const request = kind.requests[kind.repeat ? index % kind.requests.length : index];
      if (request === undefined) throw new Error(`${kind.name} has used up its ${index} requests`);
      const sentAt = performance.now();
      try {
        await send(agent, port, request, kind.expected);
      } catch (error) {
        errors += 1;
        if (firstErrors.length < ERRORS_SHOWN) firstErrors.push(`${kind.name}: ${String(error)}`);
      }
      latencies[place]?.push(performance.now() - sentAt);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, lane));
  } finally {
    agent.destroy();
  }
  return {
    elapsedMs: performance.now() - startedAt,
    total: resultOf('all', latencies.flat()),
    kinds: kinds.map(({ name }, i) => resultOf(name, latencies[i] ?? [])),
    errors,
    firstErrors,
  };
}

/** Ten thousand places for the kinds, by their shares, shuffled alike each time: no kind always follows another. */
function shuffle(kinds: readonly MixKind[]): number[] {
  const places = kinds.flatMap(({ share }, place) => Array<number>(share * PLACES_A_SHARE).fill(place));
  let random = SEED;
  for (let i = places.length - 1; i > 0; i -= 1) {
    // The generator of Numerical Recipes, chapter 7.1, modulo 2^32.
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((random / 2 ** 32) * (i + 1));
    [places[i], places[other]] = [places[other] ?? 0, places[i] ?? 0];
  }
  return places;
}

function resultOf(name: string, latencies: number[]): KindResult {
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? Number.NaN;
  return { name, count: latencies.length, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

parentPort?.postMessage(await run(workerData as MixOrder));
