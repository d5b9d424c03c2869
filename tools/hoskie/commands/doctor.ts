import type { Command } from 'commander';
import { addCommand, setAction, type Finish } from '../command.ts';
import { CliError, EXIT } from '../exit.ts';
import { paint, printable, say, sayJson } from '../output.ts';
import { readPassword, type PasswordInput } from '../password-input.ts';

interface DoctorOptions extends PasswordInput {
  readonly username?: string;
  readonly sessionCookie: string;
  readonly csrfCookie: string;
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
    ],
  })
    .option('--username <name>', 'also sign in as this user, and sign out')
    .option('--password-stdin', 'read the password from standard input')
    .option('--session-cookie <name>', "the service's SESSION_COOKIE_NAME", 'sessionid')
    .option('--csrf-cookie <name>', "the service's CSRF_COOKIE_NAME", 'csrftoken');
  setAction<DoctorOptions>(command, finish, async (options, text = '') => {
    const { origin, basePath } = readAddress(text);
    const { username } = options;
    const account =
      username === undefined
        ? null
        : { username, password: await readPassword(options, `Password of ${printable(username)}`) };
    const { examine } = await import('../doctor/examine.ts');
    const { sessionCookie, csrfCookie } = options;
    const results = await examine(
      { origin, basePath, sessionCookie, csrfCookie },
      account,
      ({ status, name, detail }) => {
        if (options.json === true) return;
        const words = {
          pass: paint('green', 'pass'),
          fail: paint('red', 'FAIL'),
          skip: paint('yellow', 'skip'),
        };
        say(`${words[status]}  ${name}: ${printable(detail)}`);
      },
    );
    const failures = results.filter(({ status }) => status === 'fail').length;
    if (options.json === true) sayJson({ url: origin + basePath, ok: failures === 0, checks: results });
    else say(failures === 0 ? 'All checks passed.' : `${failures} of ${results.length} failed.`);
    return failures === 0 ? EXIT.ok : EXIT.failed;
  });
}

/** The address of the service; its path is `BASE_PATH`. */
function readAddress(text: string): { origin: string; basePath: string } {
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
