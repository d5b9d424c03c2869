import type { Candidate } from './candidates.ts';
import { median, type Bench } from './measure.ts';
import { fineCpuMs } from './process-cpu.ts';
import { CELLS } from './scenarios.ts';
import { spawnWorkerd, untilListening } from './workerd.ts';

const STARTS = 7;

export interface StartUp {
  /** CPU of the whole process from its start to its first answer. */
  cpuMs: number;
  /** Time from its start to its first answer. */
  elapsedMs: number;
}

/** Starts each candidate's workerd several times, in turn, and asks it for one session check. Medians. */
export async function measureStartUps(
  { cloud, stage }: Bench,
  candidates: readonly Candidate[],
): Promise<Record<string, StartUp>> {
  await cloud.redis.flushdb();
  const samples = new Map<string, StartUp[]>();
  for (let start = 0; start < STARTS; start += 1) {
    for (const { name, bundle, bindings } of candidates) {
      const check = CELLS.find((cell) => cell.scenario === 'session check' && cell.candidate === name);
      const [request = { path: '/', headers: {} }] = (await check?.prepare(stage, 1)) ?? [];
      const startedAt = performance.now();
      await using worker = await spawnWorkerd(bundle, bindings);
      const answer = await untilListening(worker, bundle, request);
      const text = await answer.text();
      const sample = { cpuMs: fineCpuMs(worker.pid), elapsedMs: performance.now() - startedAt };
      if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}: ${text}`);
      samples.set(name, [...(samples.get(name) ?? []), sample]);
    }
  }
  return Object.fromEntries(
    [...samples].map(([name, each]) => [
      name,
      {
        cpuMs: median(each.map((sample) => sample.cpuMs)),
        elapsedMs: median(each.map((sample) => sample.elapsedMs)),
      },
    ]),
  );
}
