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
  /** Where a browser on this machine reaches it. */
  readonly localOrigin: string;
  /** What it wrote to the console, but for the line of each request. */
  readonly logs: string[];
  /** One request as it stands; redirects are not followed. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Runs the cron. */
  scheduled(): Promise<void>;
  stop(): Promise<void>;
}

/** The bundle that `npm run build` made, in workerd, over this cloud. Throws where there is none. */
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
    // Otherwise it asks the internet who we are.
    cf: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    // A line for each request, thousands of them: only what tells of trouble is kept.
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
      // Its types are those of another set of Workers types than the one installed.
      const handlers = (await miniflare.getWorker()) as unknown as ScheduledHandlers;
      const { outcome } = await handlers.scheduled({ cron: '* * * * *' });
      if (outcome !== 'ok') throw new Error(`the cron ended with ${outcome}`);
    },
    stop: () => miniflare.dispose(),
  };
}
