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
    const origin = readOrigin(text);
    const { username } = options;
    const account =
      username === undefined
        ? null
        : { username, password: await readPassword(options, `Password of ${printable(username)}`) };
    const { examine } = await import('../doctor/examine.ts');
    const { sessionCookie, csrfCookie } = options;
    const results = await examine(
      { origin, sessionCookie, csrfCookie },
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
    if (options.json === true) sayJson({ url: origin, ok: failures === 0, checks: results });
    else say(failures === 0 ? 'All checks passed.' : `${failures} of ${results.length} failed.`);
    return failures === 0 ? EXIT.ok : EXIT.failed;
  });
}

function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CliError(EXIT.usage, 'The URL must begin with https:// or http://.');
  // Only the host is checked: a path that was silently left out would look checked.
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    throw new CliError(EXIT.usage, `The URL has more than a host; did you mean ${url.origin}?`);
  return url.origin;
}
