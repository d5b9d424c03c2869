import { Log, LogLevel, Miniflare, type RequestInit, type Response } from 'miniflare';
import { inject, vi } from 'vitest';
import { ATTEMPTS_KEY, OUTBOX_KEY } from '../../src/activity/redis-outbox.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { textBindings, workerConfig } from './worker-config.ts';
import { Visitor, type VisitorOptions } from './visitor.ts';

export const SECRET_KEY = 'a-secret-key-of-the-tests-that-is-long-enough';

/** How long the work behind an answer may take before a test gives up on it. */
export const BACKGROUND_DEADLINE_MS = 10_000;

export interface WorkerOptions {
  cloud: CloudProxy;
  /** Over those of the cloud and SECRET_KEY; undefined takes one away. */
  bindings?: Record<string, string | undefined>;
  /** Its id as a version of the Worker; none by default, as under `wrangler dev`. */
  version?: string;
  /** Of 127.0.0.1; by default any that is free. */
  port?: number;
}

/** The built Worker in workerd. */
export interface TestWorker extends AsyncDisposable {
  /** Everything written to the console so far, a line an entry. */
  logs: string[];
  /** Where a browser on this machine reaches it. */
  localOrigin: string;
  /** One request as it stands: no cookie jar, no default header, redirects not followed. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** A browser of its own: a cookie jar, an address, a user agent. */
  visitor(options?: VisitorOptions): Visitor;
  /** Runs the cron. */
  scheduled(): Promise<void>;
  /** Resolves when every recorded activity has its row: nothing is pending in the outbox. */
  delivered(): Promise<void>;
  stop(): Promise<void>;
}

interface ScheduledHandlers {
  scheduled(options: { cron: string }): Promise<{ outcome: string }>;
}

/** Starts the bundle with the bindings of this cloud. It knows nothing of the internet and stores nothing itself. */
export async function openWorker({
  cloud,
  bindings = {},
  version,
  port: wanted = 0,
}: WorkerOptions): Promise<TestWorker> {
  const { script, error } = inject('bundle');
  if (script === null) throw new Error(`The Worker could not be built:\n${error}`);
  const logs: string[] = [];
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: wanted,
    // Otherwise it asks the internet who we are.
    cf: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    handleStructuredLogs: ({ message }) => logs.push(message),
    // A client's stack trace in the place of the Worker's own 500 would hide it.
    handleUncaughtError: (uncaught) => logs.push(`uncaught: ${uncaught.message}`),
    workers: [
      {
        config: workerConfig('worker', script, {
          ...textBindings({ ...cloud.env, SECRET_KEY, ...bindings }),
          ...(version !== undefined && {
            CF_VERSION_METADATA: { type: 'json' as const, value: { id: version } },
          }),
        }),
      },
    ],
  });
  const { port } = await miniflare.ready;

  const fetch: TestWorker['fetch'] = (url, init) =>
    miniflare.dispatchFetch(url, { redirect: 'manual', ...init });
  const delivered = async (): Promise<void> => {
    await vi.waitFor(
      async () => {
        const pending = (await cloud.redis.xlen(OUTBOX_KEY)) + (await cloud.redis.xlen(ATTEMPTS_KEY));
        if (pending !== 0) throw new Error(`${pending} events are pending`);
      },
      { timeout: BACKGROUND_DEADLINE_MS, interval: 20 },
    );
  };

  return {
    logs,
    localOrigin: `http://localhost:${port}`,
    fetch,
    visitor: (options) => new Visitor(fetch, options),
    scheduled: async () => {
      // Its types are those of another set of Workers types than the one installed.
      const handlers = (await miniflare.getWorker()) as unknown as ScheduledHandlers;
      const { outcome } = await handlers.scheduled({ cron: '* * * * *' });
      if (outcome !== 'ok') throw new Error(`The cron ended with ${outcome}`);
    },
    delivered,
    stop: () => miniflare.dispose(),
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}
