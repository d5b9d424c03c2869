import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { addUser, type TestUser } from '../../support/people.ts';
import { useTestEnvironment } from '../../support/test-environment.ts';
import { body, cookies, examineWith, failuresOf, without, type Asked, type Spoil } from './examine-with.ts';

const environment = useTestEnvironment();
let user: TestUser;
beforeAll(async () => {
  user = await addUser(environment.cloud);
});
afterEach(() => void vi.unstubAllGlobals());

describe('finds what anyone can see broken', () => {
  const csp = 'Content-Security-Policy';
  test.each<[string, Spoil, string[]]>([
    [
      'nosniff missing',
      without('X-Content-Type-Options'),
      ['security headers: X-Content-Type-Options: nosniff is missing'],
    ],
    [
      'HSTS missing',
      without('Strict-Transport-Security'),
      ['security headers: Strict-Transport-Security is missing or short'],
    ],
    [
      'pages may be cached',
      without('Cache-Control'),
      ['security headers: Cache-Control: no-store is missing'],
    ],
    [
      'a CSP that allows inline scripts',
      (response) =>
        response.headers.set(csp, `${response.headers.get(csp)}; script-src 'self' 'unsafe-inline'`),
      ["content security policy: it allows 'unsafe-inline'"],
    ],
    [
      'a field without label',
      body((text) => text.replace(/<label for="password"/, '<label')),
      ['sign-in form: the field password has no label'],
    ],
    [
      'an HttpOnly csrftoken without Secure',
      cookies((line) => line.replace('; Secure', '').replace('; SameSite', '; HttpOnly; SameSite')),
      ['csrftoken flags: csrftoken is HttpOnly'],
    ],
    [
      'a CSRF check that lets all through',
      (response) =>
        response.status === 403 ? new Response('<p role="alert">no</p>', { status: 401 }) : undefined,
      [
        'sign-in without CSRF token: it returns 401, not 403',
        "sign-in with another's CSRF token: it returns 401, not 403",
        'sign-in from a foreign Origin: it returns 401, not 403',
        'sign-in from Origin null: it returns 401, not 403',
        'sign-in that says it is cross-site: it returns 401, not 403',
      ],
    ],
    [
      'errors that are JSON, but no problems',
      (response) => {
        if (response.headers.get('Content-Type') === 'application/problem+json')
          response.headers.set('Content-Type', 'application/json');
      },
      ['API errors: a 401 is application/json, not problem+json'],
    ],
    [
      'a clock an hour late',
      (response) => response.headers.set('Date', new Date(Date.now() - 3_600_000).toUTCString()),
      [expect.stringMatching(/^clock: the clocks differ by -360[01] s$/) as string],
    ],
    [
      'an unavailable store',
      (_, { url }) =>
        url.pathname === '/readyz'
          ? Response.json(
              { status: 'unavailable', redis: 'unavailable', database: 'ok', outbox: null },
              { status: 503 },
            )
          : undefined,
      ['readyz: Redis is unavailable'],
    ],
    [
      'an unavailable store behind a READYZ_TOKEN',
      (_, { url }) =>
        url.pathname === '/readyz' ? Response.json({ status: 'unavailable' }, { status: 503 }) : undefined,
      ['readyz: a store is unavailable; ask with READYZ_TOKEN which'],
    ],
    [
      'no details behind a READYZ_TOKEN',
      (_, { url }) => (url.pathname === '/readyz' ? Response.json({ status: 'ok' }) : undefined),
      [],
    ],
    [
      'plain http without a redirect',
      (_, { url }) => (url.protocol === 'http:' ? new Response('hello') : undefined),
      ['https: plain http returns 200, not a redirect to https'],
    ],
    [
      'a health check of something else',
      (_, { url }) => (url.pathname === '/healthz' ? new Response('{"status":"UP"}') : undefined),
      ['healthz: /healthz is not that of this service: something else answers at this address'],
    ],
    [
      'responses that every origin may read',
      (response) => response.headers.set('Access-Control-Allow-Origin', '*'),
      ['cross-origin access: /sign-in/ has Access-Control-Allow-Origin: *'],
    ],
    [
      'responses that any origin that asks may read',
      (response, { url, headers }) => {
        if (url.pathname.startsWith('/api/'))
          response.headers.set('Access-Control-Allow-Origin', headers.get('Origin') ?? '');
      },
      [
        'cross-origin access: /api/v1/sessions/current has Access-Control-Allow-Origin: https://attacker.example',
      ],
    ],
    [
      'a protected page that is open',
      (_, { url }) => (url.pathname === '/home/' ? new Response('welcome') : undefined),
      ['protected page: /home/ returns 200 to an anonymous visitor'],
    ],
  ])('%s', async (_, spoil, failures) => {
    expect(failuresOf(await examineWith({ from: environment.worker, spoil }, null))).toEqual(failures);
  });
});

test('names a proxy that rewrites Host, where sign-ins fail because of it', async () => {
  const ask = ({ url }: Asked): void => {
    url.host = 'internal.example';
  };
  const cause = /its own origin, for a foreign one: a proxy in front rewrites Host/;
  const redirect = 'https: plain http redirects to internal.example; does a proxy in front rewrite Host?';
  const failures = failuresOf(await examineWith({ from: environment.worker, ask }, user));
  expect(failures).toEqual([
    redirect,
    expect.stringMatching(/^wrong password: /) as string,
    expect.stringMatching(/^sign-in: /) as string,
  ]);
  for (const failure of failures.slice(1)) expect(failure).toMatch(cause);
});

describe('finds what a signed-in user can see broken', () => {
  const isSignOut = ({ url, method }: Asked): boolean => url.pathname === '/logout/' && method === 'POST';

  test('a session cookie without Secure, and one that outlives the browser', async () => {
    const spoil = cookies((line) => (line.includes('Max-Age=0') ? line : line.replace('; Secure', '')));
    expect(failuresOf(await examineWith({ from: environment.worker, spoil }, user))).toEqual([
      'csrftoken flags: csrftoken is not Secure',
      'sessionid flags: sessionid is not Secure',
    ]);
    const lasting = cookies((line) =>
      line.startsWith('sessionid=') && !line.includes('Max-Age') ? `${line}; Max-Age=99999` : line,
    );
    expect(failuresOf(await examineWith({ from: environment.worker, spoil: lasting }, user))).toEqual([
      'sessionid flags: sessionid outlives the browser without Remember me',
    ]);
  });

  test('a sign-out that leaves the cookies', async () => {
    const spoil: Spoil = (response, asked) =>
      void (isSignOut(asked) && response.headers.delete('Set-Cookie'));
    expect(failuresOf(await examineWith({ from: environment.worker, spoil }, user))).toEqual([
      'sign-out: the browser still has sessionid',
    ]);
  });

  test('a session that outlives its sign-out for a while', async () => {
    let signedOutAtMs = Number.POSITIVE_INFINITY;
    const spoil: Spoil = (response, asked) => {
      if (isSignOut(asked) && response.status === 303)
        signedOutAtMs = Math.min(signedOutAtMs, performance.now());
      const isStale = performance.now() - signedOutAtMs < 2500 && asked.headers.has('Cookie');
      return asked.url.pathname === '/home/' && isStale ? new Response('welcome') : undefined;
    };
    const failures = failuresOf(await examineWith({ from: environment.worker, spoil }, user));
    expect(failures.filter((each) => each.startsWith('old cookie'))).toEqual([
      expect.stringMatching(/^old cookie after the sign-out: it worked for another \d{4} ms$/) as string,
    ]);
  });

  test('a next that leads anywhere', async () => {
    const spoil: Spoil = (response, { url }) => {
      const next = url.searchParams.get('next');
      if (url.pathname === '/sign-in/' && response.status === 302 && next?.startsWith('//') === true)
        response.headers.set('Location', next);
    };
    expect(failuresOf(await examineWith({ from: environment.worker, spoil }, user))).toEqual([
      'hostile next: next="//attacker.example/" redirects to https://attacker.example',
    ]);
  });

  test('an address that anyone can forge, and a sign-out that reports no ended session', async () => {
    const ask = ({ headers }: Asked): void => {
      const forwarded = headers.get('X-Forwarded-For');
      if (forwarded !== null) headers.set('CF-Connecting-IP', forwarded);
    };
    const spoil = body((text) => text.replace('"revoked":1', '"revoked":0'));
    expect(failuresOf(await examineWith({ from: environment.worker, ask, spoil }, user))).toEqual([
      'client address: it trusts X-Forwarded-For or a similar header',
      'API sign-out: it reports 0 ended sessions instead of 1',
    ]);
  });

  test('a CSRF token that stays the same', async () => {
    const spoil: Spoil = (response, { url, method }) => {
      if (url.pathname === '/sign-in/' && method === 'POST')
        return cookies((line) => (line.startsWith('csrftoken=') ? 'other=1' : line))(response, {
          url,
          method,
          headers: new Headers(),
        });
    };
    expect(failuresOf(await examineWith({ from: environment.worker, spoil }, user))[0]).toBe(
      'CSRF token changes at sign-in: it is the same as before',
    );
  });

  test('a message that gives away whether the user exists', async () => {
    let tries = 0;
    const spoil: Spoil = (response, { url, method }) => {
      if (url.pathname !== '/sign-in/' || method !== 'POST' || response.status !== 401) return undefined;
      tries += 1;
      return new Response(`<p role="alert">${tries === 1 ? 'No such user' : 'Wrong password'}</p>`, {
        status: 401,
      });
    };
    expect(failuresOf(await examineWith({ from: environment.worker, spoil }, user))).toEqual([
      'wrong password: the message gives away whether the user exists',
    ]);
  });
});
