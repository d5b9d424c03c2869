import { InvalidArgumentError, Option, type Command } from 'commander';
import { existingTime } from './existing-time.ts';
import type { ExitCode } from './exit.ts';

/** Options that commands have; those on the Worker have only `json` of them. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly env?: string;
  /** In seconds. */
  readonly timeout: number;
}

/** What a command does. Returns the exit code; undefined means 0. */
export type Action<Options> = (
  options: Options & CommonOptions,
  ...args: string[]
) => Promise<ExitCode | undefined | void>;

/** Receives the exit code of the command that ran. */
export type Finish = (exitCode: ExitCode | undefined | void) => void;

export interface CommandText {
  /** `add <name>`. */
  readonly signature: string;
  readonly summary: string;
  /** Arguments of `hoskie`, each with its meaning. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
}

/** Longer than in the Worker, for which a visitor waits. */
const STORE_TIMEOUT_SECONDS = 10;

/** Adds a command with the common options and its examples to the help. */
export const addCommand = (parent: Command, text: CommandText): Command =>
  addWorkerCommand(parent, text)
    .addOption(new Option('--env <file>', 'read credentials and settings only from this file'))
    .option(
      '--timeout <seconds>',
      'give up on a store that does not reply',
      wholeNumber(1, 3600),
      STORE_TIMEOUT_SECONDS,
    );

/** The same for one on the Worker at Cloudflare, whose environments have the names of wrangler.toml. */
export function addWorkerCommand(parent: Command, { signature, summary, examples }: CommandText): Command {
  const width = Math.max(...examples.map(([command]) => command.length));
  const lines = examples.map(([command, meaning]) =>
    `  hoskie ${command.padEnd(width)}  ${meaning}`.trimEnd(),
  );
  return parent
    .command(signature)
    .summary(summary)
    .description(summary)
    .addOption(new Option('--json', 'print JSON'))
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** Sets what a command does. */
export function setAction<Options>(command: Command, finish: Finish, action: Action<Options>): void {
  command.action(async (...given: unknown[]) => {
    // Commander passes the arguments, then the options, then the command itself.
    const options = given[given.length - 2] as Options & CommonOptions;
    finish(await action(options, ...(given.slice(0, -2) as string[])));
  });
}

/** A whole number from `min` to `max`. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
  };

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A time in Unix ms: `2026-11-23`, `2026-11-23T20:00:00Z`, or how long ago: `90s`, `15m`, `24h`, `7d`. Without a
 * time zone it is UTC.
 */
export function pointInTime(text: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) {
    const atMs = Date.now() - Number(amount) * (UNITS_MS[unit] ?? 0);
    if (atMs >= 0) return atMs;
    throw new InvalidArgumentError('That is before 1970.');
  }
  const [, date, time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/i.exec(text) ?? [];
  const atMs = date === undefined ? null : existingTime(date, time, zone.toUpperCase());
  if (atMs !== null) return atMs;
  throw new InvalidArgumentError('Use a time such as 2026-11-23, 2026-11-23T20:00:00Z, 15m, 24h or 7d.');
}

/** One or more of these words, separated by commas. */
export const wordsOf =
  <Word extends string>(words: readonly Word[]) =>
  (text: string): Word[] => {
    const given = text.split(',').map((word) => word.trim());
    const unknown = given.find((word) => !(words as readonly string[]).includes(word));
    if (unknown !== undefined) throw new InvalidArgumentError(`Use one or more of: ${words.join(', ')}.`);
    return given as Word[];
  };
