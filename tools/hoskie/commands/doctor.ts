import type { Command } from 'commander';
import { addCommand, does, type Finish } from '../command.ts';
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
    summary:
      'try a running service from outside, as browsers and apps do; exits with 1 where something is wrong',
    examples: [
      ['doctor https://login.example.org', 'what anybody can see'],
      ['doctor http://localhost:8787 --username demo', 'all of it; asks for the password'],
      [
        'doctor https://login.example.org --username probe --password-stdin --json < probe.txt',
        'for a monitor',
      ],
    ],
  })
    .option('--username <name>', 'also sign in, as this user, and sign out')
    .option('--password-stdin', 'read the password from standard input')
    .option('--session-cookie <name>', 'SESSION_COOKIE_NAME there', 'sessionid')
    .option('--csrf-cookie <name>', 'CSRF_COOKIE_NAME there', 'csrftoken');
  does<DoctorOptions>(command, finish, async (options, text = '') => {
    const origin = readOrigin(text);
    const { username } = options;
    const credentials =
      username === undefined
        ? null
        : { username, password: await readPassword(options, `Password of ${printable(username)}`) };
    const { examine } = await import('../doctor/examine.ts');
    const { sessionCookie, csrfCookie } = options;
    const results = await examine(
      { origin, sessionCookie, csrfCookie },
      credentials,
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
    else say(failures === 0 ? 'Nothing is wrong.' : `${failures} of ${results.length} failed.`);
    return failures === 0 ? EXIT.ok : EXIT.failed;
  });
}

function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CliError(EXIT.usage, 'The URL must begin with https:// or http://.');
  return url.origin;
}
