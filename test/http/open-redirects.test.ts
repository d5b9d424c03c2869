import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHEAP_HASH, NAUGHTY, OPEN_REDIRECTS } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { eventually } from '../support/people.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { openSignInForm } from '../support/sign-in-form.ts';
import { decodeEntities, ORIGIN, type Visitor } from '../support/visitor.ts';

const environment = useAttackEnvironment({ ALLOWED_REDIRECT_HOSTS: 'app.example.net,dev.example.net:8443' });

const ALLOWED_ORIGINS = [ORIGIN, 'https://app.example.net', 'https://dev.example.net:8443'];
/** For many bcrypts on a busy machine. */
const SLOW_MS = 90_000;
const SEED = 20_261_123;

/** Where a browser ends up, even if it resolves the result a second time. */
function expectToStay(location: string | null, next: string): void {
  expect(location, next).toMatch(/^[\u0021-\u007e]+$/);
  const first = new URL(location ?? '', `${ORIGIN}/sign-in/`);
  const second = new URL(first.pathname + first.search + first.hash, first);
  for (const url of [first, second]) {
    expect(ALLOWED_ORIGINS, `${JSON.stringify(next)} leads to ${location}`).toContain(url.origin);
    expect(url.username + url.password, next).toBe('');
  }
}

const asText = fc.oneof(
  // The pieces of such payloads, in any order.
  fc
    .array(
      fc.constantFrom(
        ...['/', '//', '\\', '..', '.', ';', '@', ':', '?', '#', '%2f', '%5c', '%2e', '%09', '%00', '%'],
        ...['\t', '\n', '\r\n', ' ', 'http', 'https', 'javascript', 'data', 'evil.example'],
        ...['login.example.org', 'app.example.net', '[::1]', '\u3002', '\uff0f', '\u2044', '\u00ad'],
        ...['\ufeff', '\u200b', 'x', ''],
      ),
      { minLength: 1, maxLength: 10 },
    )
    .map((pieces) => pieces.join('')),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.webPath().map((path) => `/${path}`),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(...OPEN_REDIRECTS).map(encodeURI),
);

test(
  'a sign-in with a known payload never leads away',
  async () => {
    const { username, password } = await environment.addUser();
    const form = await openSignInForm(environment);
    const signIn = async (next: string): Promise<void> => {
      const { status, headers } = await form.submit({ username, password, next });
      expect(status, next).toBe(303);
      expectToStay(headers.get('Location'), next);
    };
    // Each is a bcrypt: more at once would only wait for each other.
    await inParallel(OPEN_REDIRECTS, signIn, 2);
  },
  SLOW_MS,
);

/** The sign-in page sends signed-in visitors on by the same rules, without a bcrypt. */
async function signedInVisitor(): Promise<Visitor> {
  return (await environment.seedVisitor()).visitor;
}

/** Where the sign-in page sends this visitor. If the store replies too late, as on a busy machine, it shows the form. */
function destinationOf(visitor: Visitor, query: string): Promise<string | null> {
  return eventually(async () => {
    const { status, location } = await visitor.get(`/sign-in/?${query}`);
    expect(status, query).toBe(302);
    return location;
  });
}

/** Those of OPEN_REDIRECTS that are paths on this host. */
const PATHS_ON_THIS_HOST = new Set([
  ...['/%0a/evil.example', '/%09/evil.example', '/%5cevil.example', '/%2fevil.example', '/.evil.example'],
  ...['/\u2044evil.example', '/\uff0fevil.example', '/..;//evil.example', '/;//evil.example', '/%', '/%00'],
  ...['/%zz', '/@evil.example', '/https://evil.example', '/?u=//evil.example', '/#//evil.example'],
  ...['/home/%0d%0aSet-Cookie:%20sessionid=x', '/home/\u2028x', `/${'a'.repeat(1999)}`],
]);

const MORE_INVALID = [
  ...['////evil.example', '\\/evil.example', '/%2E//evil.example', 'http:/\\evil.example', 'home/'],
  ...['?x=1', '#x'],
  ...['/home/\r\nSet-Cookie: a=b', '/home/\u0000', '/home/\u0085', 'JaVaScRiPt:alert(1)', 'data:text/html,x'],
  ...['https://evil.example\\@login.example.org/', 'https://login.example.org@evil.example/'],
  ...['https://user@login.example.org/', 'https://login.example.org.evil.example/'],
  ...['https://evillogin.example.org/', 'https://login.example.org:8443/', 'http://login.example.org/'],
  ...['https://app.example.net:8443/', 'http://app.example.net/', 'https://dev.example.net/'],
  ...['https://x.app.example.net/', 'https://app.example.net@evil.example/', 'ftp://login.example.org/'],
  '//app.example.net\\@evil.example/',
];

test('every payload leads home, unless it is a path on this host', async () => {
  const visitor = await signedInVisitor();
  const payloads = [...OPEN_REDIRECTS.filter((next) => !PATHS_ON_THIS_HOST.has(next)), ...MORE_INVALID];
  await inParallel(payloads, async (next) => {
    const location = await destinationOf(visitor, `next=${encodeURIComponent(next.toWellFormed())}`);
    expect(location, next).toBe('/home/');
  });
});

test.each<[string, (text: string) => string]>([
  ['encoded once, as a browser does', encodeURIComponent],
  ['encoded twice', (text) => encodeURIComponent(encodeURIComponent(text))],
  [
    'encoded in each byte',
    (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  ],
  [
    'not encoded except for what would end it',
    (text) => text.replace(/[\0-\u0020#&+]|[^\0-~]/gu, encodeURIComponent),
  ],
])('payloads and naughty strings, %s', async (_, encode) => {
  const visitor = await signedInVisitor();
  await inParallel([...OPEN_REDIRECTS, ...NAUGHTY], async (next) => {
    expectToStay(await destinationOf(visitor, `next=${encode(next)}`), next);
  });
});

test('whatever the pieces make', async () => {
  const visitor = await signedInVisitor();
  await fc.assert(
    fc.asyncProperty(asText, async (next) => {
      const query = `next=${encodeURIComponent(next.toWellFormed())}`;
      expectToStay(await destinationOf(visitor, query), next);
    }),
    { seed: SEED, numRuns: 600 },
  );
});

test('of several next parameters the first one counts, by the same rules; a form with two is a 400', async () => {
  const visitor = await signedInVisitor();
  for (const query of [
    'next=//evil.example&next=/home/',
    'next=/home/&next=//evil.example',
    'next[]=//evil.example',
    'next=&next=//evil.example',
    'NEXT=//evil.example',
    'next',
    'next=%ff%fe//evil.example',
    '&&&=&next=%',
  ]) {
    expectToStay(await destinationOf(visitor, query), query);
  }
  const { username, password } = await environment.addUser();
  const form = await openSignInForm(environment);
  for (const body of ['next=/home/&next=//evil.example', 'next=//evil.example&next=/home/']) {
    const { status } = await environment.fetch(`${ORIGIN}/sign-in/?next=//evil.example`, {
      method: 'POST',
      body: `csrfmiddlewaretoken=${form.token}&username=${username}&password=${encodeURIComponent(password)}&${body}`,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: form.cookie },
    });
    expect(status).toBe(400);
  }
});

test('an oversized next in the address does not prevent the sign-in', async () => {
  const { username, password } = await environment.addUser();
  const visitor = environment.visitor();
  const page = await visitor.get(`/sign-in/?next=${encodeURIComponent(`/home/?${'a'.repeat(20_000)}`)}`);
  expect(await visitor.submit(page, { username, password })).toMatchObject({
    status: 303,
    location: '/home/',
  });
});

test('the page after a refusal holds it as text and leads nowhere', async () => {
  const form = await openSignInForm(environment);
  const hostile = [
    ...OPEN_REDIRECTS,
    '"><script>alert(1)</script>',
    '"><base href="//evil.example">',
    "' autofocus x='",
  ];
  const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
  await inParallel(hostile, async (next) => {
    const body = await (await form.submit({ username, password: 'wrong', next })).text();
    const value = /name="next" value="([^"]*)"/.exec(body)?.[1] ?? 'missing';
    expect(decodeEntities(value)).toBe(next.toWellFormed());
    expect(body.match(/ action="[^"]*"/g)).toEqual([' action="/sign-in/"']);
    expect(body).not.toMatch(/<script|<base|<meta http-equiv/i);
  });
});

testAftermath(environment);
