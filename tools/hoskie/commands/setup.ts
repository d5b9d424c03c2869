import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { Option, type Command } from 'commander';
import { addWorkerCommand, setAction, wordsOf, type Finish } from '../command.ts';
import { CliError, EXIT } from '../exit.ts';
import { say, sayJson } from '../output.ts';
import { SECRETS, type SecretName, type Values } from '../setup/secrets.ts';
import { ENVIRONMENTS, type Environment } from '../wrangler/worker-config.ts';
import { readAddress } from './doctor.ts';

export interface SetupOptions {
  readonly env: Environment;
  readonly envFile?: string;
  readonly domain?: string;
  readonly writeRoute?: true;
  readonly url?: string;
  readonly replace?: readonly SecretName[];
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: boolean;
}

export function addSetupCommand(program: Command, finish: Finish): void {
  const command = addWorkerCommand(program, {
    signature: 'setup',
    summary: 'set an environment up: try its stores, add tables, set secrets, deploy, check; may be repeated',
    examples: [
      ['setup --env production', 'asks for what is missing, shows a plan, and asks again'],
      ['setup --env staging --dry-run', 'tries the stores and shows the plan; changes nothing'],
      ['setup --env staging --env-file staging.env --yes', 'without questions'],
      ['setup --env production --replace DATABASE_URL', 'a new password for MySQL'],
    ],
  })
    .addOption(new Option('--env <name>', 'as in wrangler.toml').choices(ENVIRONMENTS).makeOptionMandatory())
    .option('--env-file <file>', 'read secrets from this file, not from the environment')
    .option('--domain <host>', 'the domain of the service, if wrangler.toml has no route')
    .option('--write-route', 'write that route into wrangler.toml without a question')
    .addOption(
      new Option('--url <url>', 'where people reach it, if wrangler.toml has no route').env('SITE_URL'),
    )
    .option('--replace <names>', 'set these secrets although they are set; comma-separated', wordsOf(SECRETS))
    .option('--yes', 'carry the plan out without a question')
    .option('--dry-run', 'change nothing');
  setAction<SetupOptions>(command, finish, async (options) => {
    const isJson = options.json === true;
    const { setUp } = await import('../setup/set-up.ts');
    const done = await setUp(
      {
        ...options,
        given: readGiven(options.envFile),
        mayAsk: process.stdin.isTTY && !isJson && options.yes !== true,
        address: addressOf(options.url ?? ''),
      },
      (line) => {
        if (!isJson) say(line);
      },
    );
    if (isJson) sayJson(done);
    return done.ok ? EXIT.ok : EXIT.failed;
  });
}

function readGiven(envFile: string | undefined): Values {
  if (envFile === undefined) return process.env;
  try {
    return parseEnv(readFileSync(envFile, 'utf8'));
  } catch {
    throw new CliError(EXIT.usage, `${envFile} can't be read.`);
  }
}

function addressOf(url: string): string | null {
  if (url === '') return null;
  const { origin, basePath } = readAddress(url);
  return origin + basePath;
}
