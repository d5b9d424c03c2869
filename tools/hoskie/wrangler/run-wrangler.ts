import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { CliError, EXIT } from '../exit.ts';
import { note, printable } from '../output.ts';

const BIN = join(import.meta.dirname, '../../../node_modules/.bin');
/** Not passed to wrangler, because it runs the build and every package the build imports. */
const SECRETS =
  /^(?:UPSTASH_|DOCTOR_|(?:ADMIN_)?DATABASE_URL$|SECRET_KEY|ASSERTION_KEYS$|WEBHOOKS$|READYZ_TOKEN$)/;

export interface WranglerResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it did, for programs; `type` says what each is. */
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/**
 * Runs wrangler in the working directory. `input` goes to its standard input, so it is in no list of processes. Ctrl-C
 * doesn't reach it: its step is done or isn't.
 */
export async function tryWrangler(args: readonly string[], input?: string): Promise<WranglerResult> {
  const directory = await mkdtemp(join(tmpdir(), 'hoskie-'));
  const file = join(directory, 'wrangler.jsonl');
  try {
    // The variable is for tests.
    const child = spawn(process.env['HOSKIE_WRANGLER'] ?? 'wrangler', args, {
      detached: true,
      stdio: 'pipe',
      env: environmentOf(file),
    });
    const ended = new Promise<number>((resolve, reject) => {
      child.on('error', reject).on('close', (code) => resolve(code ?? 1));
    });
    child.stdin.on('error', () => undefined).end(input ?? '');
    const [exitCode, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    const lines = await readFile(file, 'utf8').catch(() => '');
    const records = lines.split('\n').filter(Boolean).map(parseRecord);
    // Its errors are coloured whatever FORCE_COLOR and NO_COLOR say.
    return {
      exitCode,
      stdout: stripVTControlCharacters(stdout),
      stderr: stripVTControlCharacters(stderr),
      records,
    };
  } catch (error) {
    const { code, syscall = '' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || !syscall.startsWith('spawn')) throw error;
    throw new CliError(EXIT.failed, 'wrangler is not installed: run npm ci.');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The same, where a failure ends the command: what wrangler says of it is shown. */
export async function runWrangler(args: readonly string[], input?: string): Promise<WranglerResult> {
  const result = await tryWrangler(args, input);
  if (result.exitCode !== 0) throw wranglerFailed(args, result);
  return result;
}

export function wranglerFailed(args: readonly string[], { stdout, stderr }: WranglerResult): CliError {
  for (const line of (stderr.trim() || stdout).split('\n'))
    if (line.trim() !== '') note(printable(line.trim()));
  return new CliError(EXIT.failed, `wrangler ${args.join(' ')} failed; see above.`);
}

function environmentOf(outputFile: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !SECRETS.test(name));
  return {
    ...Object.fromEntries(kept),
    // The project's own wrangler first, of the version that package.json names.
    PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}`,
    WRANGLER_OUTPUT_FILE_PATH: outputFile,
    WRANGLER_SEND_METRICS: 'false',
    // Its log file must not have what it sends.
    WRANGLER_LOG_SANITIZE: 'true',
  };
}

const parseRecord = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;
