import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addUser, type TestUser } from '../../support/people.ts';
import { openCloud } from '../../support/cloud.ts';
import { useTestEnvironment } from '../../support/test-environment.ts';
import { openWorker, type TestWorker, type WorkerOptions } from '../../support/worker.ts';
import { startBrokenProxy } from './broken-proxy.ts';
import { expectFailure, runCli, type CliResult } from './run-cli.ts';
import { StubbedCloudflare, type StubAccount } from './stub-account.ts';

// Each deployment runs wrangler several times, and the doctor.
vi.setConfig({ testTimeout: 120_000 });

const OLD = '00000000-0000-4000-8000-000000000001';
const NEW = '00000000-0000-4000-8000-000000000002';
const LIVE: Partial<StubAccount> = {
  traffic: { [OLD]: 100 },
  versions: { [OLD]: { handlers: ['fetch', 'scheduled'] } },
  uploads: [NEW],
};

const environment = useTestEnvironment();
let user: TestUser;
/** Both are healthy. */
let old: TestWorker;
let healthy: TestWorker;
beforeAll(async () => {
  user = await addUser(environment.cloud);
  old = await openWorker({ cloud: environment.cloud, version: OLD });
  healthy = await openWorker({ cloud: environment.cloud, version: NEW });
});
afterAll(async () => {
  await old.stop();
  await healthy.stop();
});

interface Outcome extends CliResult {
  account: StubAccount;
  commands: string[];
  summary: string;
}

interface Given {
  account?: Partial<StubAccount>;
  /** The new version, if it isn't the healthy one. */
  worker?: TestWorker;
  /** Spoils what the new version responds. */
  spoil?: (headers: Record<string, unknown>) => void;
  env?: Record<string, string>;
}

/** Deploys in front of two versions of the Worker, between which the requests are shared as Cloudflare does. */
async function deploy({ account = LIVE, worker = healthy, spoil, env = {} }: Given = {}): Promise<Outcome> {
  using cloudflare = new StubbedCloudflare(account);
  const workers: Record<string, TestWorker> = { [OLD]: old, [NEW]: worker };
  const chosen = (overrides: unknown): string => {
    const { traffic } = cloudflare.account;
    const asked = /^cloud-hoskie="([\w-]+)"$/.exec(String(overrides))?.[1] ?? '';
    const live = Object.entries(traffic ?? {}).find(([, share]) => share > 0)?.[0] ?? '';
    return traffic?.[asked] === undefined ? live : asked;
  };
  const edge = await startBrokenProxy(
    (received) => workers[chosen(received['cloudflare-workers-version-overrides'])]?.localOrigin ?? '',
    (sent, received) => {
      if (chosen(received['cloudflare-workers-version-overrides']) === NEW) spoil?.(sent);
    },
  );
  const summary = join(cloudflare.directory, 'summary.md');
  const result = await runCli(null, ['deploy', '--env', 'production'], {
    env: {
      ...cloudflare.env,
      SITE_URL: edge.origin,
      GITHUB_STEP_SUMMARY: summary,
      DATABASE_URL: environment.cloud.env.DATABASE_URL,
      ...env,
    },
  });
  await edge.stop();
  const { account: left, commands } = cloudflare;
  return { ...result, account: left, commands, summary: readFileSync(summary, 'utf8') };
}

const STAGED = [
  'deployments status --json',
  `versions view ${OLD} --json`,
  'versions upload',
  'deployments status --json',
  `versions deploy ${NEW}@0 ${OLD}@100 --yes`,
];

describe('a healthy version', () => {
  test('gets all traffic once the doctor examined it at 0 %, then routes and crons are deployed', async () => {
    const { exitCode, stdout, stderr, account, commands, summary } = await deploy({
      env: { DOCTOR_USERNAME: user.username, DOCTOR_PASSWORD: user.password },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(commands).toEqual([
      ...STAGED,
      'deployments status --json',
      `versions deploy ${NEW}@100 --yes`,
      'triggers deploy',
    ]);
    expect(account.traffic).toEqual({ [NEW]: 100 });
    expect(stdout).toContain(`pass  version: ${NEW}\n`);
    expect(stdout).toMatch(/pass {2}old cookie after the sign-out: /);
    expect(summary).toMatch(/^### Deployment to production: done\n/);
    expect(summary).toContain(`Version ${NEW}, 110.0 KiB (gzip)\n`);
    expect(summary).toContain('pass  content security policy: ');
    // The build and its packages run in wrangler.
    const known = account.calls.flatMap((call) => call.environment);
    expect(known).toContain('STUB_ACCOUNT');
    for (const secret of ['DATABASE_URL', 'DOCTOR_PASSWORD']) expect(known).not.toContain(secret);
    expect(stdout + summary).not.toContain(user.password);
  });

  test('is deployed at once if it is the first, also after its secrets were set', async () => {
    const first = { versions: {}, uploads: [NEW] };
    const outcomes = [
      await deploy({ account: { ...first, traffic: null } }),
      await deploy({
        account: { ...first, traffic: { draft: 100 }, versions: { draft: { handlers: ['fetch'] } } },
      }),
    ];
    for (const { exitCode, stdout, stderr, account, commands } of outcomes) {
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(commands.at(-1)).toBe('deploy');
      expect(account.traffic).toEqual({ [NEW]: 100 });
      expect(stdout).toContain(`pass  version: ${NEW}\n`);
    }
  });

  test('replaces one that stayed at 0 %', async () => {
    const traffic = { '00000000-0000-4000-8000-000000000003': 0, [OLD]: 100 };
    const { exitCode, commands } = await deploy({ account: { ...LIVE, traffic } });
    expect(exitCode).toBe(0);
    expect(commands.slice(0, STAGED.length)).toEqual(STAGED);
  });
});

describe('a faulty version stays at 0 %', () => {
  const openNew = (options: Partial<WorkerOptions>): Promise<TestWorker> =>
    openWorker({ cloud: environment.cloud, version: NEW, ...options });
  const expectStaged = (outcome: Outcome, failure: string | RegExp): void => {
    const { exitCode, stdout, account, commands, summary } = outcome;
    expect(exitCode, stdout + outcome.stderr).toBe(1);
    expect(stdout).toMatch(failure);
    expect(commands).toEqual(STAGED);
    expect(account).toMatchObject({ traffic: { [NEW]: 0, [OLD]: 100 }, hasTriggers: false });
    expect(stdout).toContain(`so the version stays at 0 %: visitors still get ${OLD}.\n`);
    expect(stdout).toContain(`npx wrangler versions deploy ${NEW}@100 --env production --yes`);
    expect(summary).toMatch(/^### Deployment to production: left at 0 %\n/);
    expect(summary).toMatch(failure);
  };

  test('with a wrong secret', async () => {
    await using worker = await openNew({ bindings: { UPSTASH_REDIS_REST_TOKEN: 'wrong' } });
    expectStaged(await deploy({ worker }), /^FAIL {2}readyz: Redis is unavailable$/m);
  });

  test('with a secret that is malformed', async () => {
    await using worker = await openNew({ bindings: { SECRET_KEY: 'short' } });
    expectStaged(
      await deploy({ worker }),
      /^FAIL {2}protected page: \/home\/ returns 500 to an anonymous visitor$/m,
    );
  });

  test('with a column missing', async () => {
    const cloud = await openCloud();
    await cloud.query('ALTER TABLE login_activity DROP COLUMN country');
    await using worker = await openNew({ cloud });
    const outcome = await deploy({ worker });
    await cloud.stop();
    expectStaged(outcome, /^FAIL {2}readyz: MySQL is unavailable$/m);
  });

  test('without its content security policy', async () => {
    const outcome = await deploy({ spoil: (headers) => delete headers['content-security-policy'] });
    expectStaged(outcome, /^FAIL {2}content security policy: Content-Security-Policy is missing$/m);
  });
});

test('what someone else deploys meanwhile keeps its traffic', async () => {
  // The new version can still be examined.
  const rolledBack = { [NEW]: 0, '00000000-0000-4000-8000-000000000003': 100 };
  for (const after of ['versions upload', `versions deploy ${NEW}@0`]) {
    const outcome = await deploy({ account: { ...LIVE, interferes: { after, traffic: rolledBack } } });
    expectFailure(outcome, 1, 'cloud-hoskie was deployed by someone else meanwhile (now ');
    expect(outcome.account).toMatchObject({ traffic: rolledBack, hasTriggers: false });
    expect(outcome.summary).toMatch(/^### Deployment to production: failed\n/);
  }
});

test('the summary says that a version is live although its routes were refused', async () => {
  const { exitCode, stdout, summary } = await deploy({ account: { ...LIVE, failing: 'triggers deploy' } });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(new RegExp(`Visitors of cloud-hoskie now get version ${NEW}\\.\n$`));
  expect(summary).toMatch(/^### Deployment to production: live, but not finished\n/);
});

test('nothing is uploaded if the address is unknown, if two versions share the traffic, or if Cloudflare refuses', async () => {
  const unknown = await deploy({ env: { SITE_URL: '' } });
  expectFailure(unknown, 2, /^hoskie: The address to check is unknown: give it with --url/);
  expect(unknown.summary).toContain('The address to check is unknown');

  const gradual = await deploy({ account: { ...LIVE, traffic: { [OLD]: 90, [NEW]: 10 } } });
  expectFailure(gradual, 1, `gradual deployment under way (${OLD} at 90 %, ${NEW} at 10 %)`);

  const refused = await deploy({ account: { ...LIVE, failing: 'deployments status' } });
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /\[ERROR\] Authentication error \[code: 10000\]\nhoskie: wrangler deployments status .* failed; see above\.\n$/,
  );

  for (const { account } of [unknown, gradual, refused]) expect(account.uploads).toEqual([NEW]);
});
