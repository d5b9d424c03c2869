import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHEAP_HASH, NAUGHTY, OPEN_REDIRECTS } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { testAftermath, useSiege } from '../support/siege.ts';
import { openSignInForm } from '../support/sign-in-form.ts';
import { decodeEntities, ORIGIN, type Visitor } from '../support/visitor.ts';

const siege = useSiege({ ALLOWED_REDIRECT_HOSTS: 'app.example.net,dev.example.net:8443' });

const ALLOWED_ORIGINS = [ORIGIN, 'https://app.example.net', 'https://dev.example.net:8443'];
/** For what takes many a bcrypt, on a machine that is busy. */
const SLOW_MS = 90_000;
const SEED = 20_261_123;

/** Where a browser ends up, also one that takes the address for a base or an address bar once more. */
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
  // Pieces of which such payloads are made, in any order.
  fc
    .array(
      fc.constantFrom(
        ...[
          '/',
          '//',
          '\\',
          '..',
          '.',
          ';',
          '@',
          ':',
          '?',
          '#',
          '%2f',
          '%5c',
          '%2e',
          '%09',
          '%00',
          '%',
          '\t',
          '\n',
        ],
        ...[
          '\r\n',
          ' ',
          'http',
          'https',
          'javascript',
          'data',
          'evil.example',
          'login.example.org',
          'app.example.net',
        ],
        ...['[::1]', '\u3002', '\uff0f', '\u2044', '\u00ad', '\ufeff', '\u200b', 'x', ''],
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
    const { username, password } = await siege.addUser();
    const form = await openSignInForm(siege);
    const signIn = async (next: string): Promise<void> => {
      const answer = await form.submit({ username, password, next });
      expect(answer.status, next).toBe(303);
      expectToStay(answer.headers.get('Location'), next);
    };
    // Each is a bcrypt: more side by side would only wait for each other.
    await inParallel(OPEN_REDIRECTS, signIn, 2);
  },
  SLOW_MS,
);

/** Where somebody goes who is signed in already: judged like the sign-in, without the work of a password. */
async function signedInVisitor(): Promise<Visitor> {
  const visitor = siege.visitor();
  await visitor.signIn(await siege.addUser());
  return visitor;
}

test.each<[string, (text: string) => string]>([
  ['encoded once, as a browser does', encodeURIComponent],
  ['encoded twice', (text) => encodeURIComponent(encodeURIComponent(text))],
  [
    'encoded in each byte',
    (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  ],
  [
    'not encoded but for what would end it',
    (text) => text.replace(/[\0-\u0020#&+]|[^\0-~]/gu, encodeURIComponent),
  ],
])('payloads and naughty strings, %s', async (_, encode) => {
  const visitor = await signedInVisitor();
  await inParallel([...OPEN_REDIRECTS, ...NAUGHTY], async (next) => {
    const answer = await visitor.get(`/sign-in/?next=${encode(next)}`);
    expect(answer.status, next).toBe(302);
    expectToStay(answer.location, next);
  });
});

test('whatever can be made of the pieces', async () => {
  const visitor = await signedInVisitor();
  await fc.assert(
    fc.asyncProperty(asText, async (next) => {
      const { status, location } = await visitor.get(
        `/sign-in/?next=${encodeURIComponent(next.toWellFormed())}`,
      );
      expect(status).toBe(302);
      expectToStay(location, next);
    }),
    { seed: SEED, numRuns: 600 },
  );
});

test('several of them, or none: the first one counts, judged like any other', async () => {
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
    expectToStay((await visitor.get(`/sign-in/?${query}`)).location, query);
  }
  const { username, password } = await siege.addUser();
  const form = await openSignInForm(siege);
  for (const body of ['next=/home/&next=//evil.example', 'next=//evil.example&next=/home/']) {
    const answer = await siege.fetch(`${ORIGIN}/sign-in/?next=//evil.example`, {
      method: 'POST',
      body: `csrfmiddlewaretoken=${form.token}&username=${username}&password=${encodeURIComponent(password)}&${body}`,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: form.cookie },
    });
    expect(answer.status).toBe(400);
  }
});

test('one that is too long is no way to keep somebody out', async () => {
  const { username, password } = await siege.addUser();
  const visitor = siege.visitor();
  const page = await visitor.get(`/sign-in/?next=${encodeURIComponent(`/home/?${'a'.repeat(20_000)}`)}`);
  expect(await visitor.submit(page, { username, password })).toMatchObject({
    status: 303,
    location: '/home/',
  });
});

test('the page that is shown again holds it as text, and leads nowhere', async () => {
  const form = await openSignInForm(siege);
  const hostile = [
    ...OPEN_REDIRECTS,
    '"><script>alert(1)</script>',
    '"><base href="//evil.example">',
    "' autofocus x='",
  ];
  const { username } = await siege.addUser({ passwordHash: CHEAP_HASH });
  await inParallel(hostile, async (next) => {
    const body = await (await form.submit({ username, password: 'wrong', next })).text();
    const value = /name="next" value="([^"]*)"/.exec(body)?.[1] ?? 'there is none';
    expect(decodeEntities(value)).toBe(next.toWellFormed());
    expect(body.match(/ action="[^"]*"/g)).toEqual([' action="/sign-in/"']);
    expect(body).not.toMatch(/<script|<base|<meta http-equiv/i);
  });
});

testAftermath(siege);
