import { Agent } from 'node:http';
import { parentPort } from 'node:worker_threads';
import type { LoadMessage, LoadOrder, LoadResult } from './load.ts';
import { send } from './send.ts';

// The thread of `LoadGenerator`.

async function run(order: LoadOrder): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: order.concurrency });
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + order.forMs;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endsAt && next < (order.limit ?? Infinity)) {
      const request = order.requests[order.repeat ? next % order.requests.length : next];
      if (request === undefined) return;
      next += 1;
      const sentAt = performance.now();
      await send(agent, order.port, request, order.expected);
      latencies.push(performance.now() - sentAt);
    }
  };
  try {
    await Promise.all(Array.from({ length: order.concurrency }, lane));
  } finally {
    agent.destroy();
  }
  const elapsedMs = performance.now() - startedAt;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? Number.NaN;
  return { count: latencies.length, elapsedMs, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

parentPort?.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => parentPort?.postMessage({ result } satisfies LoadMessage),
    (error: unknown) =>
      parentPort?.postMessage({
        failure: error instanceof Error ? error.message : String(error),
      } satisfies LoadMessage),
  );
});
