import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerCommand } from './server-process.ts';

const run = promisify(execFile);

/** A daemon that doesn't respond in this time counts as missing. */
const RESPONSE_WITHIN = { timeout: 10_000, killSignal: 'SIGKILL' } as const;

export const IMAGES = { redis: 'valkey/valkey:8', mysql: 'mysql:8.4' };

/** A server that runs in a container. */
export interface Container extends Pick<ServerCommand, 'name' | 'url' | 'directory' | 'input' | 'probe'> {
  /** Of the server; a volume made with another one is of no use. */
  password: string;
  /** Published on 127.0.0.1. */
  port: number;
  /** Where the server listens, and where it keeps its data, inside. */
  inside: { port: number; data: string };
  /** Of `docker run`. */
  options: string[];
  /** What runs inside. */
  args: string[];
}

/**
 * Whether Docker can run the image: a daemon on this machine responds, and has the image or downloads it. Another
 * machine's would publish the port there.
 */
export async function canRunImage(image: string, log: (line: string) => void): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], RESPONSE_WITHIN);
    // That of DOCKER_HOST, if it is set.
    const context = ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'];
    const { stdout } = await run('docker', context, RESPONSE_WITHIN);
    if (!/^(unix|npipe):/.test(stdout)) return false;
  } catch {
    return false;
  }
  try {
    await run('docker', ['image', 'inspect', image]).catch(() => {
      log(`Downloading ${image} for Docker ...`);
      return run('docker', ['pull', '--quiet', image]);
    });
    return true;
  } catch (error) {
    log(`Docker can't download ${image}: ${(error as Error).message.trim()}`);
    return false;
  }
}

/**
 * The command of a container that is removed with this process. Its data are in a volume, as the user of an image may
 * not write to a folder of ours. A volume is used again only if its password is the same and a server has worked on it:
 * the first start of MySQL, interrupted, leaves half of its tables.
 */
export async function containerCommand(container: Container): Promise<ServerCommand> {
  const { name, url, directory, password, port, inside, options, args, input, probe } = container;
  const prefix = namePrefix(directory, name);
  const volume = `${prefix}-${shortHash(password)}`;
  const completeVolume = join(directory, `${name}.volume`);
  // Left over if the client was killed together with everything else.
  await removeContainers(prefix);
  if (!existsSync(completeVolume) || readFileSync(completeVolume, 'utf8') !== volume)
    await removeVolumesNamed(prefix);
  // A name that is given again may still belong to a container that is being removed.
  const own = `${prefix}-${randomBytes(4).toString('hex')}`;
  return {
    name,
    url,
    directory,
    data: `volume ${volume}`,
    program: 'docker',
    args: [
      ...['run', '--rm', '--interactive', '--name', own],
      ...['--publish', `127.0.0.1:${port}:${inside.port}`, '--volume', `${volume}:${inside.data}`],
      ...options,
      IMAGES[name],
      ...args,
    ],
    mark: own,
    probe: async () => {
      await probe();
      writeFileSync(completeVolume, volume);
    },
    ...(input !== undefined && { input }),
    cleanUp: ['docker', 'rm', '--force', own],
  };
}

/** Removes what containers of the directory's servers have left in Docker. Does nothing if Docker doesn't respond. */
export async function removeVolumes(directory: string): Promise<void> {
  const prefix = namePrefix(directory);
  await removeContainers(prefix)
    .then(() => removeVolumesNamed(prefix))
    .catch(() => undefined);
}

async function removeContainers(prefix: string): Promise<void> {
  const names = await list(['ps', '--all', '--format', '{{.Names}}'], prefix);
  // One may have just been removed.
  if (names.length > 0) await run('docker', ['rm', '--force', ...names]).catch(() => undefined);
}

async function removeVolumesNamed(prefix: string): Promise<void> {
  const names = await list(['volume', 'ls', '--format', '{{.Name}}'], prefix);
  if (names.length > 0) await run('docker', ['volume', 'rm', '--force', ...names]);
}

async function list(command: string[], prefix: string): Promise<string[]> {
  const { stdout } = await run('docker', [...command, '--filter', `name=${prefix}`], RESPONSE_WITHIN);
  // The filter finds the text anywhere in a name.
  return stdout.split('\n').filter((name) => name.startsWith(prefix));
}

function namePrefix(directory: string, name = ''): string {
  return `cloud-hoskie-${shortHash(directory)}-${name}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
