import { spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findFreePort } from '../local-cloud/free-port.ts';
import { readCompatibilityDate, type Bundle } from './bundles.ts';

const START_DEADLINE_MS = 10_000;

// The binary of the workerd that wrangler and miniflare run; it is a dependency of theirs, not of ours.
const requireFromMiniflare = createRequire(createRequire(import.meta.url).resolve('miniflare'));
const { default: WORKERD, version } = requireFromMiniflare('workerd') as { default: string; version: string };
export const WORKERD_VERSION = version;

export interface Workerd extends AsyncDisposable {
  pid: number;
  port: number;
  origin: string;
  /** Where the Chrome DevTools protocol is spoken; null where it was not asked for. */
  inspectorPort: number | null;
  stop(): Promise<void>;
}

/** Starts bare `workerd serve` on one bundle and one port; resolves at once, before it listens. */
export async function spawnWorkerd(
  bundle: Bundle,
  bindings: Readonly<Record<string, string>>,
  { inspect = false } = {},
): Promise<Workerd> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const inspectorPort = inspect ? await findFreePort() : null;
  const config = join(bundle.directory, 'workerd.capnp');
  writeFileSync(config, capnpConfig(bundle, port, Object.keys(bindings)));
  const log = openSync(`${bundle.directory}.log`, 'w');
  const args = ['serve', config, 'config'];
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
  return { pid: child.pid ?? 0, port, origin, inspectorPort, stop, [Symbol.asyncDispose]: stop };
}

/** Asks again and again until it answers at all; throws with the log when it never does. */
export async function untilListening(
  { origin }: Pick<Workerd, 'origin'>,
  bundle: Bundle,
  ask: { path: string; headers?: Record<string, string> },
): Promise<Response> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      return await fetch(origin + ask.path, { headers: ask.headers ?? {}, redirect: 'manual' });
    } catch (error) {
      if (Date.now() > deadline) {
        throw new Error(
          `workerd did not start ${bundle.name}:\n${readFileSync(`${bundle.directory}.log`, 'utf8')}`,
          {
            cause: error,
          },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

/**
 * https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp. Secrets come from the environment,
 * so that none lies in a file; the Worker reaches this machine and nothing beyond. The header lets a
 * request be one by https, as in production.
 */
function capnpConfig(bundle: Bundle, port: number, bindings: readonly string[]): string {
  const text = JSON.stringify;
  const modules = bundle.modules.map((file) =>
    file.endsWith('.js') || file.endsWith('.mjs')
      ? `(name = ${text(file)}, esModule = embed ${text(file)})`
      : `(name = ${text(file)}, wasm = embed ${text(file)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (forwardedProtoHeader = "X-Forwarded-Proto"), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "${readCompatibilityDate()}",
  compatibilityFlags = ${text(bundle.compatibilityFlags)},
  bindings = [${bindings.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`).join(', ')}],
);
`;
}
