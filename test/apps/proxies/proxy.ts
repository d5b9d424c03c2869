import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SigningKey } from '../../../src/lib/signing-keys.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { eventually } from '../../support/people.ts';

/** What stands between visitors and the app, and asks the service. */
export interface Proxy {
  /** The app's address, for visitors. */
  readonly origin: string;
  /** The service's: of its own, or the app's where the gate leads there. */
  readonly serviceOrigin: string;
  readonly sessionCookie: string;
  /** Signs assertions. */
  readonly key: SigningKey;
  stop(): Promise<void>;
}

/** Opens one in front of the app that listens on this port of 127.0.0.1. */
export type OpenProxy = (cloud: CloudProxy, appPort: number) => Promise<Proxy>;

const EXAMPLES = join(import.meta.dirname, '../../../examples');

/** A documented configuration with other addresses; throws if it lacks a text that is to be replaced. */
export function readExample(file: string, replacements: readonly (readonly [string, string])[]): string {
  let text = readFileSync(join(EXAMPLES, file), 'utf8');
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

export interface Program {
  readonly command: string;
  /** Gets a directory of its own. */
  readonly args: (directory: string) => string[] | Promise<string[]>;
  /** Where it listens. */
  readonly port: number;
}

/** Starts a server and waits until it listens; returns what stops it. Throws with what it printed if it exits instead. */
export async function startProgram({ command, args, port }: Program): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'proxy-'));
  const child = spawn(command, await args(directory), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve();
    });
    child.on('exit', () => resolve());
  });
  const failed = exited.then(() => Promise.reject(new Error(`${command} ended: ${output}`)));
  failed.catch(() => undefined);
  await Promise.race([eventually(() => canConnect(port)), failed]);
  return async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
}

const canConnect = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, 'localhost', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
