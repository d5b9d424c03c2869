import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { addUser, type TestUser } from '../../support/people.ts';
import { useTestEnvironment } from '../../support/test-environment.ts';
import { openWorker } from '../../support/worker.ts';
import { ORIGIN } from '../../support/visitor.ts';
import { startBrokenProxy } from './broken-proxy.ts';
import { examineWith, failuresOf } from './examine-with.ts';
import { expectFailure, runCli } from './run-cli.ts';

const environment = useTestEnvironment();
let user: TestUser;
beforeAll(async () => {
  user = await addUser(environment.cloud);
});
afterEach(() => void vi.unstubAllGlobals());

describe('a healthy service', () => {
  test('passes all checks over https, and no session is left behind', async () => {
    const results = await examineWith({ from: environment.worker }, user);
    expect(failuresOf(results)).toEqual([]);
    expect(results.filter(({ status }) => status === 'pass').length).toBeGreaterThan(25);
    expect(results).toContainEqual(
      expect.objectContaining({ name: 'https', status: 'pass', detail: `plain http redirects to ${ORIGIN}` }),
    );
    expect(await environment.cloud.redis.keys('user-sessions:*')).toEqual([]);
  });

  test('also with other addresses and cookies', async () => {
    await using other = await openWorker({
      cloud: environment.cloud,
      bindings: {
        LOGIN_URL: '/accounts/login/',
        SESSION_COOKIE_DOMAIN: 'example.org',
        SESSION_COOKIE_NAME: 'hoskie_session',
        CSRF_COOKIE_NAME: '__Host-csrf',
      },
    });
    const results = await examineWith({ from: other, names: ['hoskie_session', '__Host-csrf'] }, user);
    expect(failuresOf(results)).toEqual([]);
    expect(results).toContainEqual(
      expect.objectContaining({ name: 'protected page', detail: 'redirects to /accounts/login/' }),
    );
  });

  test('also below a base path, at the public address alone', async () => {
    await using other = await openWorker({
      cloud: environment.cloud,
      bindings: { BASE_PATH: '/auth/', PUBLIC_URL: ORIGIN },
    });
    const results = await examineWith({ from: other, basePath: '/auth/' }, user);
    expect(failuresOf(results)).toEqual([]);
    expect(results).toContainEqual(
      expect.objectContaining({ name: 'protected page', detail: 'redirects to /auth/sign-in/' }),
    );
  });

  test('also with its own origin among the trusted ones', async () => {
    const bindings = { CSRF_TRUSTED_ORIGINS: ORIGIN };
    await using other = await openWorker({ cloud: environment.cloud, bindings });
    expect(failuresOf(await examineWith({ from: other }, user))).toEqual([]);
  });

  test('also at another name that it trusts, but for the redirect to its own', async () => {
    const bindings = { PUBLIC_URL: 'https://own.example.org', CSRF_TRUSTED_ORIGINS: ORIGIN };
    await using other = await openWorker({ cloud: environment.cloud, bindings });
    expect(failuresOf(await examineWith({ from: other }, user))).toEqual([
      expect.stringMatching(/^https: plain http redirects to own\.example\.org;/),
    ]);
  });

  test('as a command, over http on this machine', async () => {
    const result = await runCli(
      null,
      ['doctor', `${environment.worker.localOrigin}/`, '--username', user.username],
      {
        env: {},
        input: `${user.password}\n`,
      },
    );
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toMatch(/^pass {2}healthz: 200\n/);
    expect(result.stdout).toMatch(/skip {2}https: plain http is fine on this machine\n/);
    expect(result.stdout).toMatch(/pass {2}old cookie after the sign-out: refused after \d+ ms\n/);
    expect(result.stdout).toMatch(/\nAll checks passed\.\n$/);
    expect(result.stdout).not.toContain(user.password);
  });
});

describe('one version of the Worker', () => {
  const id = 'dc8dcd28-271b-4367-9840-6c244f84cb40';
  const version = { worker: 'cloud-hoskie', id, knownWithinMs: 0 };

  test('is asked for by its name, and passes once each response is from it', async () => {
    await using worker = await openWorker({ cloud: environment.cloud, version: id });
    const overrides = new Set<string | null>();
    const results = await examineWith(
      {
        from: worker,
        version,
        ask: ({ headers }) => overrides.add(headers.get('Cloudflare-Workers-Version-Overrides')),
      },
      user,
    );
    expect(failuresOf(results)).toEqual([]);
    expect(results[0]).toMatchObject({ name: 'version', status: 'pass', detail: id });
    // The one without goes to plain http, where Cloudflare itself may respond.
    expect([...overrides]).toEqual([`cloud-hoskie="${id}"`, null]);
  });

  test('fails if another version responds, from the beginning or later', async () => {
    await using old = await openWorker({ cloud: environment.cloud, version: id.replace('d', 'e') });
    const results = await examineWith({ from: old, version }, user);
    expect(failuresOf(results)).toEqual([
      'version: version ec8dcd28-271b-4367-9840-6c244f84cb40 responded instead',
    ]);

    await using worker = await openWorker({ cloud: environment.cloud, version: id });
    const later = await examineWith(
      {
        from: worker,
        version,
        spoil: (response, { url }) => {
          if (url.pathname === '/readyz') response.headers.delete('Worker-Version');
        },
      },
      null,
    );
    expect(failuresOf(later)).toEqual(['readyz: the response names no version: another one responded']);
  });

  test('is waited for', async () => {
    await using worker = await openWorker({ cloud: environment.cloud, version: id });
    let isKnown = false;
    const results = await examineWith(
      {
        from: worker,
        version: { ...version, knownWithinMs: 10_000 },
        spoil: (response) => {
          if (!isKnown) response.headers.delete('Worker-Version');
          isKnown = true;
        },
      },
      null,
    );
    expect(failuresOf(results)).toEqual([]);
  });
});

describe('the command', () => {
  test('exits with 1 and shows the line for a broken service, in JSON too', async () => {
    const proxy = await startBrokenProxy(environment.worker.localOrigin, (headers) => {
      headers['set-cookie'] = [headers['set-cookie'] ?? []]
        .flat()
        .map((line) => line.replace('; HttpOnly', ''));
    });
    const args = ['doctor', proxy.origin, '--username', user.username];
    const plain = await runCli(null, args, { env: {}, input: user.password });
    const json = await runCli(null, ['doctor', proxy.origin, '--json'], { env: {} });
    await proxy.stop();
    expect(plain).toMatchObject({ exitCode: 1, stderr: '' });
    expect(plain.stdout).toMatch(/\nFAIL {2}sessionid flags: sessionid is not HttpOnly\n/);
    expect(plain.stdout).toMatch(/\n1 of \d+ failed\.\n$/);
    // Without a sign-in the flaw isn't visible.
    expect(json.exitCode).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      url: `${proxy.origin}/`,
      ok: true,
    });

    const gone = await runCli(null, args, { env: {}, input: user.password });
    expect(gone).toMatchObject({
      exitCode: 1,
      stdout: 'FAIL  healthz: no response (ECONNREFUSED)\n1 of 1 failed.\n',
    });
  }, 90_000);

  test('wrong usage', async () => {
    expectFailure(
      await runCli(null, ['doctor', 'login.example.org']),
      2,
      'must begin with https:// or http://',
    );
    expectFailure(await runCli(null, ['doctor', ORIGIN, '--username', 'x']), 2, 'No password was given.');
    expectFailure(await runCli(null, ['doctor', ORIGIN, '--worker-version', 'x']), 2, "the version's id");
    for (const more of ['/?next=x', '/#top'])
      expectFailure(
        await runCli(null, ['doctor', ORIGIN + more]),
        2,
        `Use the address alone, with BASE_PATH if it is set: ${ORIGIN}/`,
      );
  });

  test('a wrong password is one failure, not many', async () => {
    const results = await examineWith({ from: environment.worker }, { ...user, password: 'wrong' });
    expect(failuresOf(results)).toEqual(['sign-in: incorrect username or password']);
  });
});
