import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Log, LogLevel, Miniflare, type RequestInit, type Response } from 'miniflare';
import { newSecret } from './local-cloud/credentials.ts';
import type { CloudProxy } from './local-cloud/proxy.ts';

const ROOT = join(import.meta.dirname, '..');
const BUNDLE = join(ROOT, 'dist/index.js');

interface ScheduledHandlers {
  scheduled(options: { cron: string }): Promise<{ outcome: string }>;
}

export interface BuiltWorker {
  /** Its address for browsers on this machine. */
  readonly localOrigin: string;
  /** What it wrote to the console, except the line of each request. */
  readonly logs: string[];
  /** Sends one request; doesn't follow redirects. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Runs the cron. */
  scheduled(): Promise<void>;
  stop(): Promise<void>;
}

/** The bundle that `npm run build` made, in workerd, over this cloud. Throws if it is missing. */
export async function openBuiltWorker(
  cloud: CloudProxy,
  settings: Readonly<Record<string, string>> = {},
): Promise<BuiltWorker> {
  if (statSync(BUNDLE, { throwIfNoEntry: false }) === undefined) throw new Error('run `npm run build` first');
  const toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const logs: string[] = [];
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    // Otherwise it fetches `request.cf` from the internet.
    cf: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    // Drops the line of each request, of which there are thousands.
    handleStructuredLogs: ({ message }) => {
      if (!message.includes('"event":"request"')) logs.push(message);
    },
    handleUncaughtError: (uncaught) => logs.push(`uncaught: ${uncaught.message}`),
    workers: [
      {
        config: {
          name: 'worker',
          compatibilityDate: /^compatibility_date = "([\d-]+)"$/m.exec(toml)?.[1] ?? '',
          manifest: {
            mainModule: 'index.js',
            modulesRoot: '/',
            modules: { 'index.js': { type: 'esm', contents: readFileSync(BUNDLE, 'utf8') } },
          },
          env: Object.fromEntries(
            Object.entries({ ...cloud.env, SECRET_KEY: newSecret(), ...settings }).map(([name, value]) => [
              name,
              { type: 'text' as const, value },
            ]),
          ),
        },
      },
    ],
  });
  const { port } = await miniflare.ready;
  return {
    localOrigin: `http://localhost:${port}`,
    logs,
    fetch: (url, init) => miniflare.dispatchFetch(url, { redirect: 'manual', ...init }),
    scheduled: async () => {
      // Miniflare's types come from another version of the Workers types.
      const handlers = (await miniflare.getWorker()) as unknown as ScheduledHandlers;
      const { outcome } = await handlers.scheduled({ cron: '* * * * *' });
      if (outcome !== 'ok') throw new Error(`the cron ended with ${outcome}`);
    },
    stop: () => miniflare.dispose(),
  };
}
