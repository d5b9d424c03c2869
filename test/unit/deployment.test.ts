import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import { parse } from 'yaml';

// What wrangler.toml and the workflows promise about who reaches what.

const ROOT = join(import.meta.dirname, '../..');
const WORKFLOWS = join(ROOT, '.github/workflows');
const ENVIRONMENTS = ['staging', 'production'];

interface Step {
  name?: string;
  uses?: string;
  run?: string;
}
interface Job {
  needs?: string | string[];
  permissions?: Record<string, string>;
  steps?: Step[];
}
const readJobs = (name: string): Record<string, Job> =>
  (parse(readFileSync(join(WORKFLOWS, name), 'utf8')) as { jobs: Record<string, Job> }).jobs;

const readsSecrets = (value: unknown): boolean => JSON.stringify(value).includes('secrets.');
const runOf = (job: Job | undefined, name: string): string =>
  job?.steps?.find((step) => step.name === name)?.run ?? '';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'deployment-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('wrangler.toml', () => {
  const text = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const read = (toml: string, environment: string) => {
    const config = join(directory, 'wrangler.toml');
    writeFileSync(config, toml);
    // Its declared type needs packages that aren't installed.
    const read: unknown = unstable_readConfig({ config, env: environment }, { hideWarnings: true });
    return read as { preview_urls?: boolean; workers_dev?: boolean; routes?: unknown; placement?: unknown };
  };

  test.each(ENVIRONMENTS)('%s has no public previews, from the first deploy', (environment) => {
    expect(read(text, environment).preview_urls).toBe(false);
  });

  test('with the route that it proposes, production has no workers.dev address', () => {
    const routed = text.replace(/^# (routes = .*)$/m, '$1');
    const { routes, workers_dev } = read(routed, 'production');
    expect(routes).toEqual([{ pattern: 'login.example.org', custom_domain: true }]);
    // Not set means none where there is a route.
    expect(workers_dev).not.toBe(true);
  });

  test.each(ENVIRONMENTS)('%s takes a region as its placement', (environment) => {
    const placed = text.replaceAll(
      'placement = { mode = "smart" }',
      'placement = { region = "aws:us-east-1" }',
    );
    expect(read(placed, environment).placement).toEqual({ region: 'aws:us-east-1' });
  });
});

describe('the workflows', () => {
  const names = readdirSync(WORKFLOWS);
  const everyJob = names.flatMap((name) => Object.values(readJobs(name)));

  test('run actions by the hash of a commit, with the version beside it', () => {
    const lines = names
      .flatMap((name) => readFileSync(join(WORKFLOWS, name), 'utf8').split('\n'))
      .filter((line) => /\buses:/.test(line) && !line.includes('uses: ./'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('install without scripts of packages where the secrets are', () => {
    const installs = everyJob
      .filter(readsSecrets)
      .flatMap(({ steps = [] }) =>
        steps.flatMap(({ run = '' }) => run.match(/\bnpm (?:ci|install|i)\b.*/g) ?? []),
      );
    expect(installs).toEqual(['npm ci --ignore-scripts']);
  });

  test('read secrets only after the tests passed and the commit was found on main', () => {
    const withSecrets = names.flatMap((name) =>
      Object.entries(readJobs(name)).filter(([, job]) => readsSecrets(job)),
    );
    expect(withSecrets.map(([name]) => name)).toEqual(['deploy']);
    expect(withSecrets[0]?.[1].needs).toEqual(['test', 'on-main']);
  });

  test('test on MySQL and on MariaDB', () => {
    const { test: job } = readJobs('test.yml') as Record<
      string,
      { strategy?: { matrix: { database: string[] } } }
    >;
    expect(job?.strategy?.matrix.database.map((image) => image.split(':')[0])).toEqual(['mysql', 'mariadb']);
  });
});

describe('the tables, before a deployment', () => {
  const STEP = 'Compare with schema.sql and add what is missing';
  const { deploy } = readJobs('deploy.yml');
  /** Runs the step with an npm that only notes its arguments; exit codes of `schema diff` and `schema apply`. */
  const run = (exits: { diff: number; apply: number }): { exitCode: number; calls: string[] } => {
    const bin = mkdtempSync(join(directory, 'bin-'));
    const calls = join(bin, 'calls');
    const npm = `#!/bin/sh\necho "$*" >> ${calls}\ncase "$*" in *diff*) exit ${exits.diff};; *) exit ${exits.apply};; esac\n`;
    writeFileSync(join(bin, 'npm'), npm, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const { status } = spawnSync('bash', ['-e', '-c', runOf(deploy, STEP)], { env });
    return { exitCode: status ?? -1, calls: readFileSync(calls, 'utf8').trim().split('\n') };
  };
  const DIFF = 'run -s hoskie -- schema diff';

  test('are compared before the Worker is uploaded', () => {
    const steps = deploy?.steps?.map(({ name }) => name) ?? [];
    expect(steps).toContain(STEP);
    expect(steps.indexOf(STEP)).toBeLessThan(steps.indexOf('Deploy'));
  });

  test('are not touched if nothing is missing', () => {
    expect(run({ diff: 0, apply: 1 })).toEqual({ exitCode: 0, calls: [DIFF] });
  });

  test('get what is missing, and the deployment goes on', () => {
    expect(run({ diff: 1, apply: 0 })).toEqual({ exitCode: 0, calls: [DIFF, 'run -s schema'] });
  });

  test('stop the deployment if a difference is left', () => {
    expect(run({ diff: 1, apply: 1 }).exitCode).not.toBe(0);
  });
});

test('the job that npm trusts runs no code of the repository or of its dependencies', () => {
  const jobs = Object.entries(readJobs('publish-client.yml'));
  const trusted = jobs.filter(([, { permissions }]) => permissions?.['id-token'] !== undefined);
  expect(trusted.map(([name]) => name)).toEqual(['publish']);
  const steps = trusted[0]![1].steps!;
  expect(steps.flatMap(({ uses }) => uses?.split('@')[0] ?? [])).toEqual([
    'actions/setup-node',
    'actions/download-artifact',
  ]);
  expect(steps.flatMap(({ run }) => run ?? [])).toEqual([
    expect.stringMatching(/&& npm publish \.\/client\.tgz .*--ignore-scripts$/),
  ]);
});

describe('a tag', () => {
  const script = runOf(readJobs('deploy.yml')['on-main'], "Refuse a commit that isn't on main");
  let clone: string;
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      cwd,
      stdio: 'pipe',
    });
  /** The exit code of the step, run as the runner does where this tag is checked out. */
  const check = (tag: string): number => {
    git(clone, 'checkout', '--detach', tag);
    try {
      execFileSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
        cwd: clone,
        stdio: 'pipe',
      });
      return 0;
    } catch (error) {
      return (error as { status: number }).status;
    }
  };

  beforeAll(() => {
    const origin = join(directory, 'origin');
    clone = join(directory, 'clone');
    git(directory, 'init', '--initial-branch=main', origin);
    const commit = (...tags: string[]): void => {
      // Two commits of one second with the same parent and message would be the same commit.
      git(origin, 'commit', '--allow-empty', `--message=change for ${tags.join()}`);
      for (const tag of tags) git(origin, 'tag', '--annotate', '--message=release', tag);
    };
    commit('v1');
    commit('v2');
    git(origin, 'checkout', '-b', 'unreviewed', 'v1');
    commit('v3');
    git(origin, 'checkout', 'main');
    git(directory, 'clone', origin, clone);
  });

  test('on main is deployed, an older one too', () => {
    expect(['v2', 'v1'].map(check)).toEqual([0, 0]);
  });

  test('on a commit that main does not have is refused', () => {
    expect(check('v3')).not.toBe(0);
  });
});
