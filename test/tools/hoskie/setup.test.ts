import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parseSigningKeys } from '../../../src/lib/signing-keys.ts';
import { eventually } from '../../support/people.ts';
import { expectFailure } from './run-cli.ts';
import { SetupSite, VERSION } from './setup-site.ts';

// Each run starts wrangler's stub a few times, and examines the Worker.
vi.setConfig({ testTimeout: 120_000 });

const SECRETS = [
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'DATABASE_URL',
  'SECRET_KEY',
  'ASSERTION_KEYS',
];

test('a first run sets everything up, from nothing; a second one changes nothing', async () => {
  await using site = await SetupSite.open({ schema: false });
  const { cloud, cloudflare } = site;
  const first = await site.run();
  expect({ exitCode: first.exitCode, stderr: first.stderr }, first.stdout).toEqual({
    exitCode: 0,
    stderr: '',
  });
  expect(first.stdout).toMatch(/^pass {2}Redis: token: accepted; a round trip from here takes \d+ ms$/m);
  expect(first.stdout).toMatch(/^pass {2}Redis: eviction: off$/m);
  expect(first.stdout).toMatch(/^skip {2}Redis: region: unknown/m);
  expect(first.stdout).toMatch(/^pass {2}MySQL: tables: 4 things missing: users, /m);
  expect(first.stdout).toMatch(
    /^Plan for cloud-hoskie:\n {2}MySQL: add users at 127\.0\.0\.1:\d+\/\S* \(loopback: only this machine can reach it\)\n/m,
  );
  expect(first.stdout).toMatch(/^ {2}secrets: set SECRET_KEY, made here\n/m);
  expect(first.stdout).toMatch(/^done: users, .* added to MySQL\npass {2}MySQL: rights: /m);
  expect(first.stdout).toMatch(/^All checks passed\. cloud-hoskie serves version /m);
  expect(first.stdout).toMatch(/^Left to do by hand:\n {2}- .*workers\.dev/m);
  expect(cloudflare.commands).toEqual([
    'secret list',
    'secret bulk',
    'deployments status --json',
    'versions view draft --json',
    'deploy',
  ]);
  expect(await cloud.query('SELECT id FROM users')).toEqual([]);

  const { secrets } = cloudflare.account;
  expect(Object.keys(secrets)).toEqual(SECRETS);
  expect(secrets).toMatchObject(cloud.env);
  expect(secrets['SECRET_KEY']).toMatch(/^[\w+/]{48}$/);
  expect(parseSigningKeys(secrets['ASSERTION_KEYS'] ?? '')).toHaveLength(1);
  // They went to wrangler's standard input, and nowhere else.
  const elsewhere = [
    first.stdout,
    site.filesAsText(),
    ...cloudflare.account.calls.flatMap(({ args }) => args),
  ].join('\n');
  for (const secret of [...Object.values(secrets), new URL(cloud.env.DATABASE_URL).password].slice(1))
    expect(elsewhere).not.toContain(secret);

  const before = { ...cloudflare.account, calls: [] };
  const second = await site.run();
  expect({ exitCode: second.exitCode, stderr: second.stderr }, second.stdout).toEqual({
    exitCode: 0,
    stderr: '',
  });
  expect(second.stdout).toMatch(/^ {2}Nothing to change for production\.$/m);
  expect(second.stdout).toMatch(/^All checks passed\.$/m);
  expect(cloudflare.commands.slice(5)).toEqual([
    'secret list',
    'deployments status --json',
    `versions view ${VERSION} --json`,
    'versions list --json',
  ]);
  expect({ ...cloudflare.account, calls: [] }).toEqual(before);
  expect({
    exitCode: (await site.run(['--yes'], { UPSTASH_REDIS_REST_TOKEN: '', DATABASE_URL: '' })).exitCode,
  }).toEqual({ exitCode: 0 });
});

describe('nothing is changed', () => {
  const expectNothing = (site: SetupSite): void => {
    expect(
      site.cloudflare.commands.filter(
        (command) => !/^(secret list|deployments status|versions (?:view|list))/.test(command),
      ),
    ).toEqual([]);
  };

  test('by a dry run, or without consent', async () => {
    await using site = await SetupSite.open({ schema: false });
    const dry = await site.run(['--dry-run', '--domain', 'login.example.org']);
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
    expect(dry.stdout).toContain(
      '  wrangler.toml: [env.production] routes = [{ pattern = "login.example.org", custom_domain = true }]\n',
    );
    expectFailure(
      await site.run([]),
      2,
      'Nothing was changed: --yes carries the plan out without a question.',
    );
    const missing = await site.run(['--yes'], { UPSTASH_REDIS_REST_TOKEN: '' });
    expectFailure(
      missing,
      2,
      'UPSTASH_REDIS_REST_TOKEN is missing: set it in the environment or in the file of --env-file.',
    );
    expectNothing(site);
    expect(await site.cloud.query("SHOW TABLES LIKE 'users'")).toEqual([]);
    expect(await site.cloud.redis.keys('*')).toEqual([]);
    expect(site.filesAsText()).toContain(readFileSync('wrangler.toml', 'utf8'));
  });

  test('with a domain of which wrangler.toml says nothing: the lines are printed', async () => {
    await using site = await SetupSite.open({ schema: false });
    const result = await site.run(['--yes', '--domain', 'login.example.org']);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(
      'below [env.production] in wrangler.toml, then run this again: routes = [{ pattern = "login.example.org", custom_domain = true }]',
    );
    expectFailure(await site.run(['--domain', 'https://login.example.org']), 2, '--domain is a host alone');
    expectNothing(site);
  });

  test('if wrangler is signed out', async () => {
    await using site = await SetupSite.open({ schema: false });
    site.cloudflare.change({ failing: 'secret list' });
    const { exitCode, stderr } = await site.run();
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Sign in with npx wrangler login, or set CLOUDFLARE_API_TOKEN');
  });
});

test('a domain is written into wrangler.toml with consent, and leads to the code that is deployed', async () => {
  await using site = await SetupSite.open({ schema: true });
  site.becomeLive();
  const file = join(site.cloudflare.directory, 'wrangler.toml');
  const before = readFileSync(file, 'utf8').replace(
    /^vars = \{/gm,
    `vars = { PUBLIC_URL = "${site.worker.localOrigin}",`,
  );
  writeFileSync(file, before);
  const { exitCode, stdout } = await site.run(['--yes', '--domain', 'Login.example.org', '--write-route'], {
    // The previous address is turned off.
    SITE_URL: 'http://127.0.0.1:2',
  });
  expect(exitCode, stdout).toBe(0);
  expect(stdout).toContain('done: the route is in wrangler.toml\n');
  expect(stdout).toContain(
    `Checks of ${site.worker.localOrigin}/, which may take some minutes to respond:\n`,
  );
  expect(stdout).toContain(`pass  version: ${VERSION}\n`);
  expect(stdout).toContain('\nAll checks passed.\n');
  expect(site.cloudflare.commands).toContain('triggers deploy');
  expect(site.cloudflare.account.traffic).toEqual({ [VERSION]: 100 });
  expect(readFileSync(file, 'utf8')).toBe(before.replace(/^# (routes = .*)$/m, '$1'));
});

test('secrets that are set are replaced only if named, with what that costs', async () => {
  await using site = await SetupSite.open({ schema: true });
  site.becomeLive();
  const { stdout, exitCode } = await site.run(['--yes', '--replace', 'SECRET_KEY']);
  expect(exitCode, stdout).toBe(0);
  expect(stdout).toMatch(
    /^ {2}secrets: REPLACE SECRET_KEY, made here: open forms are refused once, and known devices are forgotten$/m,
  );
  expect(stdout).toMatch(
    /^ {2}secrets: keep UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, DATABASE_URL, ASSERTION_KEYS$/m,
  );
  const { secrets } = site.cloudflare.account;
  expect(secrets['SECRET_KEY']).toMatch(/^[\w+/]{48}$/);
  expect(secrets).toMatchObject({ ...site.cloud.env, ASSERTION_KEYS: 'the previous keys' });
});

test('on a terminal it asks for what is missing, again if that is wrong, and shows no secret', async () => {
  await using site = await SetupSite.open({ schema: true });
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, DATABASE_URL } = site.cloud.env;
  const terminal = site.startOnTerminal();
  const answers: [question: string, answer: string][] = [
    ['UPSTASH_REDIS_REST_URL (', UPSTASH_REDIS_REST_URL],
    ['UPSTASH_REDIS_REST_TOKEN (', 'a-wrong-token'],
    ['UPSTASH_REDIS_REST_URL (', UPSTASH_REDIS_REST_URL],
    ['UPSTASH_REDIS_REST_TOKEN (', UPSTASH_REDIS_REST_TOKEN],
    ['DATABASE_URL (', DATABASE_URL],
    ['Go ahead?', 'y'],
  ];
  for (const [question, answer] of answers) await terminal.answer(question, answer);
  const { exitCode, shown } = await terminal.ended;
  expect(exitCode, shown).toBe(0);
  expect(shown).toContain('it is refused (HTTP 401)');
  expect(shown).toContain('Try again, or press Ctrl-C.');
  expect(site.cloudflare.account.secrets).toMatchObject(site.cloud.env);
  for (const secret of ['a-wrong-token', UPSTASH_REDIS_REST_TOKEN, new URL(DATABASE_URL).password])
    expect(shown).not.toContain(secret);
});

test('Ctrl-C ends it after the step under way, and the next run goes on from there', async () => {
  await using site = await SetupSite.open({ schema: false });
  const { cloudflare } = site;
  const until = join(cloudflare.directory, 'go-on');
  cloudflare.change({ hangsAt: { command: 'secret bulk', until } });
  const child = site.start(['--yes']);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise((resolve) => child.on('close', resolve));
  await eventually(() => expect(cloudflare.commands).toContain('secret bulk'), 60_000);
  child.kill('SIGINT');
  await eventually(() => expect(stderr).toContain('Stopping after this step.'));
  expect(existsSync(until)).toBe(false);
  writeFileSync(until, '');
  expect(await ended).toBe(130);
  expect(stdout).toMatch(/done: 5 secrets set\n$/);
  expect(stderr).toMatch(/hoskie: Stopped\. Run the command again to go on\.\n$/);

  const { secrets } = cloudflare.account;
  const { exitCode, stdout: more } = await site.run();
  expect(exitCode, more).toBe(0);
  expect(more).toMatch(
    /^Plan for cloud-hoskie:\n {2}secrets: keep UPSTASH.*\n {2}deployment: the first one of cloud-hoskie$/m,
  );
  expect(cloudflare.account).toMatchObject({ secrets, traffic: { [VERSION]: 100 } });
});
