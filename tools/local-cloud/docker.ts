import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { ServerCommand } from './server-process.ts';

const run = promisify(execFile);

/** A daemon that doesn't respond in this time counts as missing. */
const RESPONSE_WITHIN_MS = 10_000;

/** A server that runs in a container. */
export interface Container extends Pick<ServerCommand, 'name' | 'url' | 'directory' | 'input' | 'probe'> {
  image: string;
  /** Published on 127.0.0.1. */
  port: number;
  /** Where the server listens, and where it keeps its data, inside. */
  inside: { port: number; data: string };
  /** Deletes the data of earlier runs first. */
  fresh: boolean;
  /** Of `docker run`. */
  options: string[];
  /** What runs inside. */
  args: string[];
}

/** Whether a Docker daemon responds. */
export function hasDocker(): Promise<boolean> {
  const command = run('docker', ['version', '--format', '{{.Server.Version}}'], {
    timeout: RESPONSE_WITHIN_MS,
    killSignal: 'SIGKILL',
  });
  return command.then(
    () => true,
    () => false,
  );
}

/**
 * The command of a container that is removed with this process. Its data are in a volume, as the user of an image may
 * not write to a folder of ours. Downloads the image if it is missing.
 */
export async function containerCommand(
  container: Container,
  log: (line: string) => void,
): Promise<ServerCommand> {
  const { name, url, directory, image, port, inside, options, args, input, probe } = container;
  const own = `cloud-hoskie-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}-${name}`;
  const remove = ['rm', '--force', own];
  // Left over if the client was killed together with everything else.
  await run('docker', remove).catch(() => undefined);
  if (container.fresh) await run('docker', ['volume', 'rm', '--force', own]);
  await run('docker', ['image', 'inspect', image]).catch(() => {
    log(`Downloading ${image} for Docker ...`);
    return run('docker', ['pull', '--quiet', image]);
  });
  return {
    name,
    url,
    directory,
    program: 'docker',
    args: [
      ...['run', '--rm', '--interactive', '--name', own],
      ...['--publish', `127.0.0.1:${port}:${inside.port}`, '--volume', `${own}:${inside.data}`],
      ...options,
      image,
      ...args,
    ],
    mark: own,
    probe,
    ...(input !== undefined && { input }),
    cleanUp: ['docker', ...remove],
  };
}
