import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CLI = join(ROOT, 'tools/hoskie/hoskie.ts');

export interface CliResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  /** Standard input; empty by default. It is never a terminal. */
  input?: string;
  /** In place of the cloud's. */
  env?: Record<string, string>;
  cwd?: string;
}

/** Without the machine's own environment: its credentials are not for tests. */
const baseEnv = (): Record<string, string> => ({ PATH: process.env['PATH'] ?? '' });

export function startCli(
  cloud: CloudProxy | null,
  args: readonly string[],
  options: CliOptions = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [CLI, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...baseEnv(), ...(options.env ?? cloud?.env) },
  });
}

/** Runs `hoskie` as a process of its own, as an operator does. */
export async function runCli(
  cloud: CloudProxy | null,
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const child = startCli(cloud, args, options);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const exitCode = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  return { exitCode, stdout, stderr };
}

/** Runs it with `--json` and expects this exit code; returns the document. */
export async function runJson<T = Record<string, unknown>>(
  cloud: CloudProxy,
  args: readonly string[],
  { exitCode = 0, ...options }: CliOptions & { exitCode?: number } = {},
): Promise<T> {
  const result = await runCli(cloud, [...args, '--json'], options);
  expect(result.exitCode, result.stderr + result.stdout).toBe(exitCode);
  expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(result.stdout) as T;
}

/** Expects a failure: one line on standard error and no stack trace. */
export function expectFailure(result: CliResult, exitCode: number, message: string | RegExp): void {
  expect(result.exitCode, result.stderr + result.stdout).toBe(exitCode);
  expect(result.stderr).toMatch(message);
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(result.stderr).not.toMatch(/\n\s+at /);
}
