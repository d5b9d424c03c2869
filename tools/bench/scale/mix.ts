import { Worker } from 'node:worker_threads';
import type { ExpectedAnswer, LoadRequest } from '../load.ts';

/** Requests of one kind in a mix. */
export interface MixKind {
  name: string;
  /** How many of a hundred requests are of this kind. */
  share: number;
  requests: LoadRequest[];
  /** False: each request uses something up. */
  repeat: boolean;
  expected: ExpectedAnswer;
}

export interface MixOrder {
  port: number;
  connections: number;
  forMs: number;
  kinds: MixKind[];
}

export interface KindResult {
  name: string;
  count: number;
  p50Ms: number;
  p99Ms: number;
}

export interface MixResult {
  elapsedMs: number;
  total: KindResult;
  kinds: KindResult[];
  /** Answers that were not the expected one, and connections that broke. */
  errors: number;
  firstErrors: string[];
}

/** Sends the mix from a thread of its own until the time is up; errors are counted and end nothing. */
export async function runMix(order: MixOrder): Promise<MixResult> {
  const thread = new Worker(new URL('./mix-thread.ts', import.meta.url), { workerData: order });
  try {
    return await new Promise((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
    });
  } finally {
    await thread.terminate();
  }
}
