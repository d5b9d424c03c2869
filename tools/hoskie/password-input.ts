import { CliError, EXIT } from './exit.ts';
import { note } from './output.ts';

const TRIES = 3;
/** Longer than any valid password. Stops at a wrong file on standard input. */
const INPUT_MAX_BYTES = 64 * 1024;

export interface PasswordInput {
  /** Read standard input even on a terminal. */
  readonly passwordStdin?: boolean;
}

/**
 * Asks for a new password, twice, hidden, or reads it from standard input if that is no terminal. Never from an
 * argument, which the process list and the shell's history show.
 * `findFlaw` says what is wrong with it, or null; on a terminal the user may try again.
 */
export async function readNewPassword(
  input: PasswordInput,
  findFlaw: (password: string) => string | null,
): Promise<string> {
  if (!isTerminal(input)) {
    const password = await readStdin();
    const flaw = findFlaw(password);
    if (flaw !== null) throw new CliError(EXIT.failed, flaw);
    return password;
  }
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const password = await ask('New password');
    const flaw = findFlaw(password);
    if (flaw !== null) note(flaw);
    else if ((await ask('Repeat the password')) === password) return password;
    else note("The two passwords don't match.");
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
  // Standard output may be a file or JSON.
  return password({ message }, { output: process.stderr });
}

/** Without the line break that `echo` and editors put at the end. Characters that can't be typed at sign-in are refused. */
async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > INPUT_MAX_BYTES) throw new CliError(EXIT.usage, 'Standard input is too long for a password.');
    chunks.push(chunk);
  }
  const text = decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  const flaw = text.startsWith('\ufeff')
    ? 'begins with a byte order mark: save the file without it'
    : /[\r\n]/.test(text)
      ? 'has more than one line'
      : /\p{Cc}/u.test(text)
        ? 'has control characters'
        : null;
  if (flaw !== null) throw new CliError(EXIT.usage, `Standard input ${flaw}.`);
  return text;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError(EXIT.usage, 'Standard input is not UTF-8 text.');
  }
}
