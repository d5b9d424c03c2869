import { Worker } from 'node:worker_threads';

/** One request to be sent, as it stands. */
export interface LoadRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface LoadOrder {
  port: number;
  requests: LoadRequest[];
  /** Whether to begin again after the last one; otherwise the load ends with it. */
  repeat: boolean;
  /** Requests under way at any time, each on a connection of its own. */
  concurrency: number;
  forMs: number;
  /** Ends the load early, after so many requests. */
  limit?: number;
  /** What every answer must be: a benchmark of error pages would be worth nothing. */
  expected: ExpectedAnswer;
}

export interface ExpectedAnswer {
  status: number;
  /** A text that the body has to contain. */
  contains?: string;
}

export interface LoadResult {
  count: number;
  elapsedMs: number;
  p50Ms: number;
  p99Ms: number;
}

export type LoadMessage = { result: LoadResult } | { failure: string };

/** Sends requests from a thread of its own, so that the local cloud on this one is not in their way. */
export class LoadGenerator {
  readonly #worker = new Worker(new URL('./load-thread.ts', import.meta.url));

  constructor() {
    this.#worker.unref();
  }

  /** Rejects at the first answer that is not the expected one. */
  run(order: LoadOrder): Promise<LoadResult> {
    return new Promise((resolve, reject) => {
      this.#worker.once('message', (message: LoadMessage) => {
        this.#worker.off('error', reject);
        if ('result' in message) resolve(message.result);
        else reject(new Error(message.failure));
      });
      this.#worker.once('error', reject);
      this.#worker.postMessage(order);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
