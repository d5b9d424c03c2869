import { CliError, EXIT } from './exit.ts';
import { note } from './output.ts';

const TRIES = 3;
/** Longer than any password that is taken; a wrong file on standard input ends here. */
const INPUT_MAX_BYTES = 64 * 1024;

export interface PasswordInput {
  /** Standard input even on a terminal. */
  readonly passwordStdin?: boolean;
}

/**
 * Asks for a new password, twice, hidden, or reads it from standard input where that is no terminal: never from an
 * argument, which others see in the list of processes and the shell keeps. `judge` says what is wrong with it, or
 * null; on a terminal one may try again.
 */
export async function readNewPassword(
  input: PasswordInput,
  judge: (password: string) => string | null,
): Promise<string> {
  if (!isTerminal(input)) {
    const password = await readStdin();
    const flaw = judge(password);
    if (flaw !== null) throw new CliError(EXIT.failed, flaw);
    return password;
  }
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const password = await ask('New password');
    const flaw = judge(password);
    if (flaw !== null) note(flaw);
    else if ((await ask('Once more')) === password) return password;
    else note('The two are not the same.');
  }
  throw new CliError(EXIT.failed, 'No password was set.');
}

/** Asks for a password that exists, once; or reads it from standard input. */
export async function readPassword(input: PasswordInput, label: string): Promise<string> {
  const password = isTerminal(input) ? await ask(label) : await readStdin();
  if (password === '') throw new CliError(EXIT.usage, 'No password was given.');
  return password;
}

const isTerminal = (input: PasswordInput): boolean => input.passwordStdin !== true && process.stdin.isTTY;

async function ask(message: string): Promise<string> {
  const { default: password } = await import('@inquirer/password');
  // Not on standard output: that may be a file, or JSON.
  return password({ message }, { output: process.stderr });
}

/** All of it but the line break that `echo` and editors put at the end. */
async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > INPUT_MAX_BYTES)
      throw new CliError(EXIT.usage, 'Standard input is no password: it is too long.');
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
    return text.replace(/\r?\n$/, '');
  } catch {
    throw new CliError(EXIT.usage, 'Standard input is not UTF-8 text.');
  }
}
