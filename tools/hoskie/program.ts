import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { Finish } from './command.ts';
import { addActivityCommands } from './commands/activity.ts';
import { addDeployCommand } from './commands/deploy.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addIndexCommands } from './commands/index-check.ts';
import { addKeyCommands } from './commands/keys.ts';
import { addOutboxCommands } from './commands/outbox.ts';
import { addRecordCommands } from './commands/record-check.ts';
import { addSchemaCommands } from './commands/schema.ts';
import { addSessionCommands } from './commands/session.ts';
import { addSetupCommand } from './commands/setup.ts';
import { addUserCommands } from './commands/user.ts';
import { addWebhookCommands } from './commands/webhooks.ts';
import { describeError, EXIT, type ExitCode } from './exit.ts';
import { sayError, useJson } from './output.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 failed or problems found, 2 wrong usage or credentials, 3 not found, 4 a store is unavailable.
Credentials: UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN and DATABASE_URL in the environment, in .dev.vars or
in the file given with --env; otherwise those of npm run dev. See docs/cli.md.`;

/** Commander repeats excess arguments, and one of them may be a password. */
const usageError = (text: string): string =>
  text
    .replace(/( but got \d+): [^]*/, '$1.')
    .replace(/^error: /, '')
    .trimEnd();

/** Runs `hoskie` with these arguments. Returns the exit code; never throws. */
export async function run(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  if (args.includes('--json')) useJson();
  const finish: Finish = (given) => {
    exitCode = given ?? EXIT.ok;
  };
  const program = new Command('hoskie')
    .description("Cloud Hoskie's tool for operators: users, sessions, activity and the stores.")
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ outputError: (text) => sayError(usageError(text), EXIT.usage) })
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', EXIT_CODES);
  for (const add of [
    addUserCommands,
    addSessionCommands,
    addActivityCommands,
    addOutboxCommands,
    addIndexCommands,
    addRecordCommands,
    addSchemaCommands,
    addKeyCommands,
    addWebhookCommands,
    addDoctorCommand,
    addDeployCommand,
    addSetupCommand,
  ]) {
    add(program, finish);
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already printed the error or the help. Help that wasn't requested is a usage error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { message, exitCode: failed, details } = describeError(error);
    sayError(message, failed, details);
    return failed;
  }
}
