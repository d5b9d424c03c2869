import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findFreePort } from '../local-cloud/free-port.ts';
import { readCompatibilityDate, type Bundle } from './bundles.ts';

const START_DEADLINE_MS = 10_000;

// The workerd of wrangler and miniflare: a dependency of theirs, not of ours.
const requireFromMiniflare = createRequire(createRequire(import.meta.url).resolve('miniflare'));
const { default: WORKERD, version } = requireFromMiniflare('workerd') as { default: string; version: string };
export const WORKERD_VERSION = version;

/** workerd has no cron of its own, but one Worker can send another the event through a service binding. */
const CRON_PATH = '/run-cron';
const CRON_MODULE = 'cron-worker.mjs';
const CRON_WORKER = `export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '${CRON_PATH}') return env.SERVICE.fetch(request);
    return Response.json(await env.SERVICE.scheduled({ cron: '* * * * *', scheduledTime: new Date() }));
  },
};
`;

export interface Worker {
  bundle: Bundle;
  bindings: Readonly<Record<string, string>>;
}

export interface Workerd extends AsyncDisposable {
  pid: number;
  origin: string;
  logFile: string;
  /** Where it speaks the Chrome DevTools protocol; null unless it was started with `inspect`. */
  inspectorPort: number | null;
  stop(): Promise<void>;
}

interface WorkerdOptions {
  inspect?: boolean;
  /** Whether `runCron` can be used. */
  cron?: boolean;
}

/** Starts bare `workerd serve` with one Worker on one port, and waits until it responds. */
export async function startWorkerd(worker: Worker, options: WorkerdOptions = {}): Promise<Workerd> {
  const started = await spawnWorkerd(worker, options);
  await firstResponse(started);
  return started;
}

/** The same, but returns before it listens. */
export async function spawnWorkerd(
  { bundle, bindings }: Worker,
  { inspect = false, cron = false }: WorkerdOptions = {},
): Promise<Workerd> {
  const port = await findFreePort();
  const inspectorPort = inspect ? await findFreePort() : null;
  const config = join(bundle.directory, 'workerd.capnp');
  if (cron) writeFileSync(join(bundle.directory, CRON_MODULE), CRON_WORKER);
  writeFileSync(config, configText(bundle, Object.keys(bindings), port, cron));
  const logFile = `${bundle.directory}.log`;
  const log = openSync(logFile, 'w');
  // Sending scheduled events through a binding is experimental.
  const args = ['serve', ...(cron ? ['--experimental'] : []), config, 'config'];
  if (inspectorPort !== null) args.push(`--inspector-addr=127.0.0.1:${inspectorPort}`);
  const child = spawn(WORKERD, args, { stdio: ['ignore', log, log], env: bindings });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await ended;
  };
  const origin = `http://127.0.0.1:${port}`;
  return { pid: child.pid ?? 0, origin, logFile, inspectorPort, stop, [Symbol.asyncDispose]: stop };
}

/** Retries until there is a response at all; throws with workerd's log if there never is. */
export async function firstResponse(
  { origin, logFile }: Workerd,
  { path, headers }: { path: string; headers: Readonly<Record<string, string>> } = { path: '/', headers: {} },
): Promise<Response> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      return await fetch(origin + path, { headers, redirect: 'manual' });
    } catch (cause) {
      if (Date.now() > deadline)
        throw new Error(`workerd did not start:\n${readFileSync(logFile, 'utf8')}`, { cause });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

/** Runs the Worker's scheduled handler; throws if it threw. */
export async function runCron({ origin }: Workerd): Promise<void> {
  const { outcome } = (await (await fetch(origin + CRON_PATH)).json()) as { outcome: string };
  if (outcome !== 'ok') throw new Error(`The scheduled handler ended with ${outcome}`);
}

/**
 * https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp. The service reaches this machine
 * alone. The header makes a request an https one, as in production.
 */
function configText(bundle: Bundle, bindings: readonly string[], port: number, cron: boolean): string {
  // From the environment, so that no secret is written to a file.
  const fromEnvironment = bindings.map((name) => `(name = "${name}", fromEnvironment = "${name}")`);
  const workers = [workerText('service', bundle.modules, bundle.compatibilityFlags, fromEnvironment)];
  if (cron) {
    const binding = '(name = "SERVICE", service = "service")';
    workers.push(workerText('cron', [CRON_MODULE], ['service_binding_extra_handlers'], [binding]));
  }
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "service", worker = .service),
    ${cron ? '(name = "cron", worker = .cron),' : ''}
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(
    name = "http",
    address = "127.0.0.1:${port}",
    http = (forwardedProtoHeader = "X-Forwarded-Proto"),
    service = "${cron ? 'cron' : 'service'}",
  )],
);
${workers.join('')}`;
}

function workerText(
  name: string,
  modules: readonly string[],
  compatibilityFlags: readonly string[],
  bindings: readonly string[],
): string {
  const embedded = modules.map((file) => {
    const type = /\.m?js$/.test(file) ? 'esModule' : 'wasm';
    return `(name = "${file}", ${type} = embed "${file}")`;
  });
  return `const ${name} :Workerd.Worker = (
  modules = [${embedded.join(', ')}],
  compatibilityDate = "${readCompatibilityDate()}",
  compatibilityFlags = ${JSON.stringify(compatibilityFlags)},
  bindings = [${bindings.join(', ')}],
);
`;
}
