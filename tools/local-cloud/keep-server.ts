/**
 * Runs a server for as long as the program that started this process lives:
 * `node keep-server.ts OPTIONS`, which are `KeeperOptions` in JSON.
 *
 * The program holds the other end of standard input, which closes however the program ends (by itself, Ctrl-C, a
 * crash, SIGKILL). The server's process id and its mark go into the file, in case this process is killed, too.
 */
import { spawn, spawnSync } from 'node:child_process';
import { openSync, renameSync, writeFileSync } from 'node:fs';
import type { KeeperOptions, ServerNote } from './server-process.ts';

/** The time that a server gets for a clean stop before SIGKILL. */
const STOP_WITHIN_MS = 20_000;

const { note, mark, program, args, input, cleanUp } = JSON.parse(process.argv[2] ?? '') as KeeperOptions;
const stdin = input === undefined ? 'ignore' : openSync(input, 'r');
const server = spawn(program, args, { stdio: [stdin, 'inherit', 'inherit'] });
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
server.on('exit', (code) => {
  const [command, ...options] = cleanUp ?? [];
  if (command !== undefined) spawnSync(command, options, { stdio: 'ignore' });
  process.exit(code ?? 1);
});
// Renamed when it is whole: this process may be killed at any moment.
writeFileSync(`${note}.partial`, JSON.stringify({ pid: server.pid ?? 0, mark } satisfies ServerNote));
renameSync(`${note}.partial`, note);

process.stdin.resume().on('close', () => {
  server.kill('SIGTERM');
  setTimeout(() => server.kill('SIGKILL'), STOP_WITHIN_MS);
});
