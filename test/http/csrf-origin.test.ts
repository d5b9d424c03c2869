import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { expectRefused, keysOf, send, targetsOf } from '../support/csrf-attack.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { openSignInForm } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';
import { openWorker } from '../support/worker.ts';

const environment = useAttackEnvironment();

describe('a valid token from the wrong place', () => {
  const origins = [
    ...['null', '*', 'https://evil.example', 'https://example.org', 'https://org', 'https://', 'file://'],
    ...['https://x.login.example.org', 'https://xlogin.example.org', 'chrome-extension://abc'],
    ...['https://login.example.org.evil.example', 'https://login.example.org.', 'http://login.example.org'],
    ...['https://login.example.org:8443', 'https://login.example.org:443', 'HTTPS://LOGIN.EXAMPLE.ORG'],
    ...['https://LOGIN.example.org', 'login.example.org', 'https://login.example.org/', 'https://[::1]'],
    ...['https://user@login.example.org', 'https://login.example.org@evil.example'],
    ...[`${ORIGIN}, https://evil.example`, `https://evil.example, ${ORIGIN}`, `${ORIGIN},${ORIGIN}`],
    ...[`${ORIGIN} https://evil.example`, 'https://l\u00f6gin.example.org'],
  ];
  test.each(origins)('Origin: %s', async (Origin) => {
    const keys = await keysOf(await environment.seedVisitor());
    await expectRefused(environment, keys, { header: keys.token, headers: { Origin } });
    await expectRefused(environment, keys, {
      header: keys.token,
      headers: { Origin, 'Sec-Fetch-Site': 'same-origin' },
    });
  });

  test('Sec-Fetch-Site: cross-site, with and without an Origin', async () => {
    const keys = await keysOf(await environment.seedVisitor());
    for (const headers of [{ Origin: ORIGIN }, {}]) {
      await expectRefused(environment, keys, {
        header: keys.token,
        headers: { ...headers, 'Sec-Fetch-Site': 'cross-site' },
      });
    }
  });

  test.each(['same-origin', 'same-site', 'none'])('Sec-Fetch-Site: %s is accepted', async (site) => {
    const keys = await keysOf(await environment.seedVisitor());
    const [logout] = targetsOf(keys.victim);
    const headers = { Origin: ORIGIN, 'Sec-Fetch-Site': site };
    expect(await send(environment, keys, logout!, { field: keys.token, headers })).toBe(303);
    expect(await keys.victim.visitor.isSignedIn()).toBe(false);
  });
});

// SameSite=Lax holds back the cookies of such a request, not those of its response: it would expire the victim's while the
// session stays open.
test.each([{ Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }])(
  'a sign-out with %j and no cookie at all expires none',
  async (headers) => {
    const { status, headers: received } = await environment.fetch(`${ORIGIN}/logout/`, {
      method: 'POST',
      body: '',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    });
    expect(status).toBe(403);
    expect(received.getSetCookie()).toEqual([]);
  },
);

/** What is wrong with a post of the sign-in form, given the token and cookie of another visitor's form. */
const SIGN_IN_FORGERIES: [
  name: string,
  forge: (other: {
    token: string;
    cookie: string;
  }) => [Record<string, string>, Record<string, string | undefined>],
  status?: number,
][] = [
  ['an empty token', () => [{ csrfmiddlewaretoken: '' }, {}]],
  ['a malformed token', () => [{ csrfmiddlewaretoken: 'x'.repeat(34) }, {}]],
  ["another page's token", (other) => [{ csrfmiddlewaretoken: other.token }, {}]],
  ["another page's cookie", (other) => [{}, { Cookie: other.cookie }]],
  ['no cookie', () => [{}, { Cookie: undefined }]],
  ['a foreign Origin', () => [{}, { Origin: 'https://evil.example' }]],
  ['a foreign Origin alone', () => [{}, { Origin: 'https://evil.example', 'Sec-Fetch-Site': undefined }]],
  ['Origin: null', () => [{}, { Origin: 'null' }]],
  ['Origin: null alone', () => [{}, { Origin: 'null', 'Sec-Fetch-Site': undefined }]],
  ['the same host on http', () => [{}, { Origin: 'http://login.example.org' }]],
  ['the same host on another port', () => [{}, { Origin: 'https://login.example.org:8443' }]],
  ['a host that begins the same', () => [{}, { Origin: 'https://login.example.org.evil.example' }]],
  ['Sec-Fetch-Site: cross-site', () => [{}, { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }]],
  ['cross-site with our Origin', () => [{}, { Origin: ORIGIN, 'Sec-Fetch-Site': 'cross-site' }]],
  ['text/plain', () => [{}, { 'Content-Type': 'text/plain' }], 415],
  ['application/json', () => [{}, { 'Content-Type': 'application/json' }], 415],
];

describe('the sign-in form signs nobody in and checks no password', () => {
  test.each(SIGN_IN_FORGERIES)('with %s', async (_, forge, expected = 403) => {
    const { username, password } = await environment.addUser();
    const before = await environment.counts();
    const visitor = environment.visitor();
    const page = await visitor.get('/sign-in/');
    const [fields, headers] = forge(await openSignInForm(environment));
    const { status, setCookies } = await visitor.submit(page, { username, password, ...fields }, headers);
    expect(status).toBe(expected);
    expect(setCookies.filter((each) => each.startsWith('sessionid'))).toEqual([]);
    expect(await visitor.isSignedIn()).toBe(false);
    expect(await environment.counts()).toEqual(before);
  });
});

test('a method in a header, a field or the query is ignored', async () => {
  const keys = await keysOf(await environment.seedVisitor());
  const before = await environment.counts();
  for (const override of ['POST', 'DELETE', 'PUT', 'PATCH']) {
    for (const path of ['/logout/', '/home/', '/sessions/', '/api/v1/sessions', '/api/v1/sessions/current']) {
      const { status } = await environment.fetch(
        `${ORIGIN}${path}?_method=${override}&method=${override}&scope=all`,
        {
          headers: {
            Cookie: `sessionid=${keys.victim.token}; csrftoken=${keys.cookie}`,
            'X-CSRFToken': keys.token,
            'X-HTTP-Method': override,
            'X-HTTP-Method-Override': override,
            'X-Method-Override': override,
          },
        },
      );
      expect(status, path).toBe(200);
    }
  }
  expect(await environment.counts()).toEqual(before);
});

describe('a sign-out', () => {
  /** Posts the button of the home page with these fields and headers. */
  async function atHome(worker = environment.worker) {
    const visitor = worker.visitor();
    await visitor.signIn(await environment.addUser());
    const token = (await visitor.get('/home/')).csrfToken ?? '';
    const post = async (fields: Record<string, string>, headers: Record<string, string | undefined>) =>
      (await visitor.post('/logout/', fields, headers)).status;
    return { post, withToken: { csrfmiddlewaretoken: token } };
  }

  test('with neither header needs the token alone', async () => {
    const { post, withToken } = await atHome();
    const neither = { Origin: undefined, 'Sec-Fetch-Site': undefined };
    expect(await post({}, neither)).toBe(403);
    expect(await post(withToken, neither)).toBe(303);
  });

  test('may come from an origin in CSRF_TRUSTED_ORIGINS, exactly that one, with a token', async () => {
    const bindings = { CSRF_TRUSTED_ORIGINS: 'https://other.example,https://app.example.net' };
    await using worker = await openWorker({ cloud: environment.cloud, bindings });
    const { post, withToken } = await atHome(worker);
    const from = (Origin: string) => ({ Origin, 'Sec-Fetch-Site': 'cross-site' });
    expect(await post(withToken, from('https://app.example.net:444'))).toBe(403);
    expect(await post(withToken, from('http://app.example.net'))).toBe(403);
    expect(await post({}, from('https://app.example.net'))).toBe(403);
    expect(await post(withToken, from('https://app.example.net'))).toBe(303);
  });
});

describe.each<[string, string, unknown?]>([
  ['DELETE', '/sessions/current'],
  ['DELETE', `/sessions/${'0'.repeat(26)}`],
  ['DELETE', '/sessions?scope=others'],
  ['DELETE', '/sessions?scope=all'],
  ['PUT', '/password', { current_password: 'x', new_password: 'a new and long enough one' }],
])('%s %s by cookie', (method, path, json) => {
  test.each<[string, string, Record<string, string | undefined>]>([
    ['without X-CSRFToken', 'csrf_failed', { 'X-CSRFToken': undefined }],
    ['with a wrong one', 'csrf_failed', { 'X-CSRFToken': 'nonsense' }],
    ['from a foreign origin', 'foreign_origin', { Origin: 'https://evil.example' }],
    ['from no origin', 'foreign_origin', { Origin: 'null' }],
    ['from another site', 'foreign_origin', { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s: 403 %s, and the session stays open', async (_, code, headers) => {
    const { visitor } = await environment.seedVisitor();
    const request = { headers, ...(json === undefined ? {} : { json }) };
    const { status, body, setCookies } = await new ApiCaller(visitor).call(method, path, request);
    expect({ status, code: body.code, setCookies }).toEqual({ status: 403, code, setCookies: [] });
    expect(await visitor.isSignedIn()).toBe(true);
  });
});

testAftermath(environment);
