/**
 * Runs a server for as long as the program that started this process lives: `
 * `node keep-server.ts NOTE_FILE MARK PROGRAM ARGS`.
 *
 * The program holds the other end of standard input, which closes however the program ends (by itself, Ctrl-C, a
 * crash, SIGKILL). The server's process id and its mark go into the file, in case this process is killed, too.
 */
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import type { ServerNote } from './server-process.ts';

/** The time that a server gets for a clean stop before SIGKILL. */
const STOP_WITHIN_MS = 20_000;

const [, , noteFile = '', mark = '', program = '', ...args] = process.argv;
const server = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
server.on('exit', (code) => process.exit(code ?? 1));
// Renamed when it is whole: this process may be killed at any moment.
writeFileSync(`${noteFile}.partial`, JSON.stringify({ pid: server.pid ?? 0, mark } satisfies ServerNote));
renameSync(`${noteFile}.partial`, noteFile);

process.stdin.resume().on('close', () => {
  server.kill('SIGTERM');
  setTimeout(() => server.kill('SIGKILL'), STOP_WITHIN_MS);
});
