import type { CandidateName } from './candidates.ts';
import type { Bench } from './measure.ts';
import { cpuMs } from './process-usage.ts';
import { median } from './results.ts';
import { CASES } from './scenarios.ts';
import { firstResponse, spawnWorkerd, type Worker } from './workerd.ts';

const STARTS = 7;

/** From the start of workerd to its first response, to a session check. */
export interface StartUp {
  candidate: CandidateName;
  cpuMs: number;
  elapsedMs: number;
}

/** Starts each candidate's workerd several times, in turn. Medians. */
export async function measureStartUps(
  bench: Bench,
  candidates: Record<CandidateName, Worker>,
): Promise<StartUp[]> {
  const samples: StartUp[] = [];
  const checks = CASES.filter(
    ({ scenario, variant }) => scenario === 'session check' && variant !== 'cookie',
  );
  for (let start = 0; start < STARTS; start += 1) {
    for (const { candidate, prepare } of checks) {
      const [request] = await prepare(bench, [0], bench.workers[candidate].origin);
      if (request === undefined) throw new Error(`${candidate} has no request`);
      const startedAt = performance.now();
      await using worker = await spawnWorkerd(candidates[candidate]);
      const response = await firstResponse(worker, request);
      const text = await response.text();
      samples.push({ candidate, cpuMs: cpuMs(worker.pid), elapsedMs: performance.now() - startedAt });
      if (response.status !== 200) throw new Error(`${candidate}: ${response.status} ${text}`);
    }
  }
  return checks.map(({ candidate }) => {
    const own = samples.filter((sample) => sample.candidate === candidate);
    return {
      candidate,
      cpuMs: median(own.map((sample) => sample.cpuMs)),
      elapsedMs: median(own.map((sample) => sample.elapsedMs)),
    };
  });
}
