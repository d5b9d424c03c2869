import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findFreePort } from '../../local-cloud/free-port.ts';
import { readCompatibilityDate, type Bundle } from '../bundles.ts';
import { untilListening } from '../workerd.ts';

const requireFromMiniflare = createRequire(createRequire(import.meta.url).resolve('miniflare'));
const { default: WORKERD } = requireFromMiniflare('workerd') as { default: string };

/** Another Worker in the same process: bare workerd has no cron of its own, but a service binding can send the event. */
const DRIVER = `export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '/run') return new Response('ready');
    return Response.json(await env.SERVICE.scheduled({ cron: '* * * * *', scheduledTime: new Date() }));
  },
};
`;

/** The bundled service in bare workerd, which is sent scheduled events and no requests. */
export interface CronWorker extends AsyncDisposable {
  pid: number;
  /** Resolves when the scheduled handler is done; rejects when it threw. */
  run(): Promise<void>;
}

export async function spawnCronWorker(
  bundle: Bundle,
  bindings: Readonly<Record<string, string>>,
): Promise<CronWorker> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  writeFileSync(join(bundle.directory, 'driver.mjs'), DRIVER);
  const config = join(bundle.directory, 'cron.capnp');
  writeFileSync(config, capnpConfig(bundle, port, Object.keys(bindings)));
  const log = openSync(`${bundle.directory}.log`, 'w');
  // Sending events through a binding is what `--experimental` is for.
  const args = ['serve', '--experimental', config, 'config'];
  const child = spawn(WORKERD, args, { stdio: ['ignore', log, log], env: bindings });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await untilListening({ origin }, bundle, { path: '/' });
  return {
    pid: child.pid ?? 0,
    async run() {
      const response = await fetch(`${origin}/run`);
      const { outcome } = (await response.json()) as { outcome: string };
      if (outcome !== 'ok') throw new Error(`The scheduled handler ended with ${outcome}`);
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', kill);
      kill();
      await ended;
    },
  };
}

function capnpConfig(
  { modules, compatibilityFlags }: Bundle,
  port: number,
  names: readonly string[],
): string {
  const text = JSON.stringify;
  const embedded = (file: string): string => `(name = ${text(file)}, esModule = embed ${text(file)})`;
  const bindings = names.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`);
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .service),
    (name = "driver", worker = .driver),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "driver")],
);

const service :Workerd.Worker = (
  modules = [${modules.map(embedded).join(', ')}],
  compatibilityDate = "${readCompatibilityDate()}",
  compatibilityFlags = ${text(compatibilityFlags)},
  bindings = [${bindings.join(', ')}],
);

const driver :Workerd.Worker = (
  modules = [${embedded('driver.mjs')}],
  compatibilityDate = "${readCompatibilityDate()}",
  compatibilityFlags = ["service_binding_extra_handlers"],
  bindings = [(name = "SERVICE", service = "main")],
);
`;
}
