import { Option, type Command } from 'commander';
import { addWorkerCommand, setAction, type Finish } from '../command.ts';
import { describeError, EXIT } from '../exit.ts';
import { printable, say, sayJson } from '../output.ts';
import { readPassword, type PasswordInput } from '../password-input.ts';
import { ENVIRONMENTS, type Environment } from '../wrangler/worker-config.ts';
import { readAddress } from './doctor.ts';

interface DeployOptions extends PasswordInput {
  readonly env: Environment;
  readonly url?: string;
  readonly username?: string;
}

export function addDeployCommand(program: Command, finish: Finish): void {
  const command = addWorkerCommand(program, {
    signature: 'deploy',
    summary:
      'upload the Worker, check it at 0 % of the traffic, then give it all; exits with 1 if a check fails',
    examples: [
      ['deploy --env staging', 'at the address that wrangler.toml has for it'],
      ['deploy --env production --username probe', 'also signs in; asks for the password'],
    ],
  })
    .addOption(new Option('--env <name>', 'as in wrangler.toml').choices(ENVIRONMENTS).makeOptionMandatory())
    .addOption(
      new Option('--url <url>', 'where people reach it, if wrangler.toml has no route').env('SITE_URL'),
    )
    .addOption(
      new Option(
        '--username <name>',
        'also sign in as this user, and sign out; its password from DOCTOR_PASSWORD or typed',
      ).env('DOCTOR_USERNAME'),
    )
    .option('--password-stdin', 'read the password from standard input');
  setAction<DeployOptions>(command, finish, async (options) => {
    const { env, url = '' } = options;
    const { origin, basePath } = url === '' ? {} : readAddress(url);
    const account = await readAccount(options);
    const { readWorkerConfig } = await import('../wrangler/worker-config.ts');
    const { deployVersion } = await import('../deploy/deploy-version.ts');
    const { addStepSummary } = await import('../deploy/step-summary.ts');
    const worker = readWorkerConfig(env);
    const lines: string[] = [];
    const tell = (line: string): void => {
      lines.push(line);
      if (options.json !== true) say(line);
    };
    const address = origin === undefined ? worker.url : origin + basePath;
    let state = 'failed';
    try {
      const done = await deployVersion(worker, address, account, tell, () => {
        state = 'live, but not finished';
      });
      state = done.isLive ? (done.isHealthy ? 'done' : 'done, with faults') : 'left at 0 %';
      if (options.json === true)
        sayJson({
          worker: worker.name,
          version: done.versionId,
          previous_version: done.previousId,
          gzip_bytes: done.gzipBytes,
          live: done.isLive,
          ok: done.isHealthy,
          checks: done.checks,
        });
      return done.isHealthy ? EXIT.ok : EXIT.failed;
    } catch (error) {
      lines.push(describeError(error).message);
      throw error;
    } finally {
      addStepSummary(`Deployment to ${env}: ${state}`, lines);
    }
  });
}

/** Null: only what anyone can see is checked. */
async function readAccount(options: DeployOptions): Promise<{ username: string; password: string } | null> {
  const { username = '' } = options;
  if (username === '') return null;
  const known = options.passwordStdin === true ? '' : (process.env['DOCTOR_PASSWORD'] ?? '');
  const password = known || (await readPassword(options, `Password of ${printable(username)}`));
  return { username, password };
}
