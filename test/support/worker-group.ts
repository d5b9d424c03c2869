import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Log, LogLevel, Miniflare, type RequestInit, type Response } from 'miniflare';
import { inject } from 'vitest';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { textBindings, workerConfig } from './worker-config.ts';
import { SECRET_KEY } from './worker.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Name of the service that the others are bound to. */
export const SERVICE = 'cloud-hoskie';

/** Bundles the Worker of a folder with a wrangler.toml and an index.ts the way it would be uploaded. */
export async function bundleWorker(folder: string): Promise<string> {
  const outdir = await mkdtemp(join(tmpdir(), 'worker-'));
  try {
    const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
    const config = join(ROOT, folder, 'wrangler.toml');
    await promisify(execFile)(
      process.execPath,
      [wrangler, 'deploy', '--dry-run', `--outdir=${outdir}`, `--config=${config}`],
      { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
    );
    return await readFile(join(outdir, 'index.js'), 'utf8');
  } finally {
    await rm(outdir, { recursive: true });
  }
}

export interface WorkerGroup extends AsyncDisposable {
  /** One request to one of the other Workers. */
  fetch(worker: string, url: string, init?: RequestInit): Promise<Response>;
}

export interface WorkerGroupOptions {
  cloud: CloudProxy;
  /** Bindings of the service, over those of the cloud. */
  bindings?: Record<string, string>;
  /** Scripts of the other Workers by name; each has the service as SESSIONS. */
  others: Record<string, string>;
  /** In the place of the built service. */
  service?: string;
}

interface Fetcher {
  fetch(url: string, init?: RequestInit): Promise<Response>;
}

/** The built service and other Workers beside it, bound to its entrypoint as their wrangler.toml would. */
export async function openWorkerGroup(options: WorkerGroupOptions): Promise<WorkerGroup> {
  const { cloud, bindings = {}, others, service = inject('bundle').script } = options;
  if (service === null) throw new Error(`The Worker could not be built:\n${inject('bundle').error}`);
  const texts = { ...cloud.env, SECRET_KEY, ...bindings };
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    // Otherwise it asks the internet who we are.
    cf: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    handleStructuredLogs: () => undefined,
    workers: [
      ...Object.entries(others).map(([name, script]) => ({
        config: workerConfig(name, script, {
          SESSIONS: { type: 'worker' as const, worker: SERVICE, exportName: 'SessionService' },
        }),
      })),
      {
        config: workerConfig(SERVICE, service, textBindings(texts)),
      },
    ],
  });
  await miniflare.ready;
  return {
    fetch: async (worker, url, init) => {
      // Its types are those of another set of Workers types than the one installed.
      const fetcher = (await miniflare.getWorker(worker)) as unknown as Fetcher;
      return fetcher.fetch(url, { redirect: 'manual', ...init });
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}
