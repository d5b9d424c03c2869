import { Agent, request as httpRequest } from 'node:http';
import { parentPort } from 'node:worker_threads';
import type { ExpectedAnswer, LoadMessage, LoadOrder, LoadRequest, LoadResult } from './load.ts';

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

function send(
  agent: Agent,
  port: number,
  { method, path, headers, body }: LoadRequest,
  expected: ExpectedAnswer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const request = httpRequest(
      { agent, host: '127.0.0.1', port, method, path, headers: { ...headers, ...length } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === expected.status && text.includes(expected.contains ?? '')) resolve();
          else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
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
