import { InvalidArgumentError, type Command } from 'commander';
import { addCommand, setAction, type Finish } from '../command.ts';
import { CliError, EXIT } from '../exit.ts';
import { failuresOf, lineOfResult } from '../doctor/results.ts';
import { KNOWN_WITHIN_MS, type WorkerVersion } from '../doctor/site.ts';
import { printable, say, sayJson } from '../output.ts';
import { readPassword, type PasswordInput } from '../password-input.ts';

interface DoctorOptions extends PasswordInput {
  readonly username?: string;
  readonly sessionCookie: string;
  readonly csrfCookie: string;
  readonly workerVersion?: WorkerVersion;
}

export function addDoctorCommand(program: Command, finish: Finish): void {
  const command = addCommand(program, {
    signature: 'doctor <url>',
    summary: 'check a running service from outside, as browsers and apps see it; exits with 1 on a failure',
    examples: [
      ['doctor https://login.example.org', 'what anyone can see'],
      ['doctor https://app.example.org/auth/', 'the same with BASE_PATH'],
      ['doctor http://localhost:8787 --username demo', 'everything; asks for the password'],
      [
        'doctor https://login.example.org --username probe --password-stdin --json < probe.txt',
        'for a monitor',
      ],
      [
        'doctor https://login.example.org --worker-version cloud-hoskie=dc8dcd28-...',
        'before it gets traffic',
      ],
    ],
  })
    .option('--username <name>', 'also sign in as this user, and sign out')
    .option('--password-stdin', 'read the password from standard input')
    .option('--session-cookie <name>', "the service's SESSION_COOKIE_NAME", 'sessionid')
    .option('--csrf-cookie <name>', "the service's CSRF_COOKIE_NAME", 'csrftoken')
    .option(
      '--worker-version <worker=id>',
      'only this version of the Worker, which may be deployed at 0 %',
      workerVersion,
    );
  setAction<DoctorOptions>(command, finish, async (options, text = '') => {
    const { origin, basePath } = readAddress(text);
    const { username } = options;
    const account =
      username === undefined
        ? null
        : { username, password: await readPassword(options, `Password of ${printable(username)}`) };
    const { examine } = await import('../doctor/examine.ts');
    const { sessionCookie, csrfCookie, workerVersion: version = null } = options;
    const results = await examine(
      { origin, basePath, sessionCookie, csrfCookie, version },
      account,
      (result) => {
        if (options.json !== true) say(lineOfResult(result));
      },
    );
    const failures = failuresOf(results);
    if (options.json === true) sayJson({ url: origin + basePath, ok: failures === 0, checks: results });
    else say(failures === 0 ? 'All checks passed.' : `${failures} of ${results.length} failed.`);
    return failures === 0 ? EXIT.ok : EXIT.failed;
  });
}

/** `cloud-hoskie=dc8dcd28-271b-4367-9840-6c244f84cb40`. */
function workerVersion(text: string): WorkerVersion {
  const [, worker, id] =
    /^([a-z][a-z0-9_-]*)=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text) ?? [];
  if (worker !== undefined && id !== undefined) return { worker, id, knownWithinMs: KNOWN_WITHIN_MS };
  throw new InvalidArgumentError("Use the Worker's name and the version's id: cloud-hoskie=dc8dcd28-...");
}

/** The address of the service; its path is `BASE_PATH`. */
export function readAddress(text: string): { origin: string; basePath: string } {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CliError(EXIT.usage, 'The URL must begin with https:// or http://.');
  const { origin, pathname } = url;
  const basePath = pathname.endsWith('/') ? pathname : `${pathname}/`;
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    throw new CliError(
      EXIT.usage,
      `Use the address alone, with BASE_PATH if it is set: ${origin}${basePath}`,
    );
  return { origin, basePath };
}
