import { describe, expect, test } from 'vitest';
import { expectRefused, keysOf, send, targetsOf } from '../support/csrf-attack.ts';
import { testAftermath, useSiege } from '../support/siege.ts';
import { openSignInForm, type SignInForm } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const siege = useSiege();

describe('a right token from the wrong place', () => {
  const hosts = [
    ...['null', '*', 'https://evil.example', 'https://example.org', 'https://org', 'https://'],
    ...[
      'https://x.login.example.org',
      'https://xlogin.example.org',
      'https://login.example.org.evil.example',
    ],
    ...['https://login.example.org.', 'https://login.example.org:8443', 'https://login.example.org:443'],
    ...[
      'http://login.example.org',
      'HTTPS://LOGIN.EXAMPLE.ORG',
      'https://LOGIN.example.org',
      'login.example.org',
    ],
    ...[
      'https://login.example.org/',
      'https://user@login.example.org',
      'https://login.example.org@evil.example',
    ],
    ...[
      `${ORIGIN}, https://evil.example`,
      `https://evil.example, ${ORIGIN}`,
      `${ORIGIN} https://evil.example`,
    ],
    ...[
      `${ORIGIN},${ORIGIN}`,
      'file://',
      'chrome-extension://abc',
      'https://[::1]',
      'https://l\u00f6gin.example.org',
    ],
  ];
  test.each(hosts)('Origin: %s', async (Origin) => {
    const keys = await keysOf(await siege.seedVisitor());
    await expectRefused(siege, keys, { header: keys.token, headers: { Origin } });
    await expectRefused(siege, keys, {
      header: keys.token,
      headers: { Origin, 'Sec-Fetch-Site': 'same-origin' },
    });
  });

  test('Sec-Fetch-Site: cross-site, with and without an Origin', async () => {
    const keys = await keysOf(await siege.seedVisitor());
    for (const headers of [{ Origin: ORIGIN }, {}]) {
      await expectRefused(siege, keys, {
        header: keys.token,
        headers: { ...headers, 'Sec-Fetch-Site': 'cross-site' },
      });
    }
  });

  test.each(['same-origin', 'same-site', 'none'])('Sec-Fetch-Site: %s is as good as none', async (site) => {
    const keys = await keysOf(await siege.seedVisitor());
    const [logout] = targetsOf(keys.victim);
    const headers = { Origin: ORIGIN, 'Sec-Fetch-Site': site };
    expect(await send(siege, keys, logout!, { field: keys.token, headers })).toBe(303);
    expect(await keys.victim.visitor.isSignedIn()).toBe(false);
  });
});

// SameSite=Lax keeps the cookies of such a post back, not those of its answer: it would take the victim's away while
// the session stays open.
test.each([{ Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }])(
  'a sign-out with %j and no cookie at all takes none away',
  async (headers) => {
    const answer = await siege.fetch(`${ORIGIN}/logout/`, {
      method: 'POST',
      body: '',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie()).toEqual([]);
  },
);

describe('the sign-in form', () => {
  const FORGERIES: [
    string,
    (form: SignInForm, other: SignInForm) => [Record<string, string>, Record<string, string>],
  ][] = [
    ['no token', () => [{ csrfmiddlewaretoken: '' }, {}]],
    ["another page's token", (_, other) => [{ csrfmiddlewaretoken: other.token }, {}]],
    ["another page's cookie", (_, other) => [{}, { Cookie: other.cookie }]],
    ['no cookie', () => [{}, { Cookie: '' }]],
    ['a foreign Origin', () => [{}, { Origin: 'https://evil.example' }]],
    ['Origin: null', () => [{}, { Origin: 'null' }]],
    ['Sec-Fetch-Site: cross-site', () => [{}, { 'Sec-Fetch-Site': 'cross-site' }]],
    ['text/plain', () => [{}, { 'Content-Type': 'text/plain' }]],
    ['application/json', () => [{}, { 'Content-Type': 'application/json' }]],
  ];

  test.each(FORGERIES)('%s: nobody is signed in, and no password is looked at', async (_, forge) => {
    const { username, password } = await siege.addUser();
    const before = await siege.counts();
    const form = await openSignInForm(siege);
    const [fields, headers] = forge(form, await openSignInForm(siege));
    const answer = await form.submit({ username, password, ...fields }, headers);
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie().filter((each) => each.startsWith('sessionid'))).toEqual([]);
    expect(await siege.counts()).toEqual(before);
  });
});

test('a method in a header, a field or the query is none', async () => {
  const keys = await keysOf(await siege.seedVisitor());
  const before = await siege.counts();
  for (const override of ['POST', 'DELETE', 'PUT', 'PATCH']) {
    for (const path of ['/logout/', '/home/', '/sessions/', '/api/v1/sessions', '/api/v1/sessions/current']) {
      const answer = await siege.fetch(`${ORIGIN}${path}?_method=${override}&method=${override}&scope=all`, {
        headers: {
          Cookie: `sessionid=${keys.victim.token}; csrftoken=${keys.cookie}`,
          'X-CSRFToken': keys.token,
          'X-HTTP-Method': override,
          'X-HTTP-Method-Override': override,
          'X-Method-Override': override,
        },
      });
      expect(answer.status, path).toBe(200);
    }
  }
  expect(await siege.counts()).toEqual(before);
});

testAftermath(siege);
