import { describe, expect, test } from 'vitest';
import { parseSettings, type Settings } from '../../src/settings.ts';
import fc, { anyText } from '../fakes/property.ts';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';

const SECRETS = {
  UPSTASH_REDIS_REST_URL: 'https://eu1-example-12345.upstash.io',
  UPSTASH_REDIS_REST_TOKEN: 'AbCd0123-_=',
  DATABASE_URL: 'mysql://user:pscale_pw_x%2Fy@aws.connect.psdb.cloud/main?ssl={"rejectUnauthorized":true}',
  SECRET_KEY: 'k'.repeat(32),
};

function settingsOf(vars: Record<string, unknown> = {}): Settings {
  const result = parseSettings({ ...SECRETS, ...vars });
  if (!result.ok) throw new Error(`malformed: ${result.malformed.join()}`);
  return result.settings;
}
const malformedOf = (env: unknown): readonly string[] => {
  const result = parseSettings(env);
  return result.ok ? [] : result.malformed;
};

describe('defaults', () => {
  const defaults = {
    SECRET_KEY_FALLBACKS: [],
    READYZ_TOKEN: '',
    LOGIN_URL: '/sign-in/',
    LOGIN_REDIRECT_URL: '/home/',
    ACCOUNT_LOGOUT_REDIRECT_URL: '/',
    SESSION_COOKIE_NAME: 'sessionid',
    CSRF_COOKIE_NAME: 'csrftoken',
    SESSION_COOKIE_DOMAIN: '',
    SESSION_COOKIE_AGE: 86_400,
    SESSION_IDLE_AGE: 7200,
    REMEMBER_ME_AGE: 2_592_000,
    REMEMBER_ME_IDLE_AGE: 1_209_600,
    CSRF_TRUSTED_ORIGINS: [],
    ALLOWED_REDIRECT_HOSTS: [],
    BCRYPT_ROUNDS: 10,
    PBKDF2_MAX_ITERATIONS: 2_000_000,
    REFUSAL_FLOOR_MS: 0,
    MIN_PASSWORD_LENGTH: 8,
    MAX_SESSIONS_PER_USER: 50,
    ACTIVITY_RETENTION_DAYS: 400,
    SESSION_READS: 'primary',
    PUBLIC_URL: '',
    BASE_PATH: '/',
    CORS_ORIGINS: [],
    ASSERTION_KEYS: [],
    WEBHOOKS: [],
    SITE_NAME: 'Cloud Hoskie',
    SITE_ACCENT: '#2453c9',
    SITE_LOGO: '',
    SITE_SUPPORT_URL: '',
  };

  test('apply if nothing is set', () => expect(settingsOf()).toMatchObject(defaults));

  test('apply if a variable is empty', () => {
    const empty = Object.fromEntries(Object.keys(defaults).map((name) => [name, '']));
    expect(settingsOf(empty)).toMatchObject(defaults);
  });

  test('other bindings are ignored', () => {
    expect(settingsOf({ ASSETS: { fetch: () => null }, UNKNOWN: 7 })).not.toHaveProperty('UNKNOWN');
  });
});

describe('valid values', () => {
  test.each([
    ['SESSION_COOKIE_AGE', 3600, 3600],
    ['SESSION_COOKIE_AGE', '3600', 3600],
    ['MAX_SESSIONS_PER_USER', '0', 0],
    ['MAX_SESSIONS_PER_USER', 0, 0],
    ['BCRYPT_ROUNDS', '14', 14],
    ['UPSTASH_REDIS_REST_URL', 'http://127.0.0.1:8079/', 'http://127.0.0.1:8079'],
    ['SECRET_KEY_FALLBACKS', ` ${'a'.repeat(32)} ,, ${'b'.repeat(40)}`, ['a'.repeat(32), 'b'.repeat(40)]],
    ['SESSION_READS', 'replica', 'replica'],
    ['LOGIN_URL', '/accounts/login/', '/accounts/login/'],
    ['LOGIN_URL', '/login', '/login'],
    ['LOGIN_REDIRECT_URL', '/profile/?tab=1#x', '/profile/?tab=1#x'],
    ['LOGIN_REDIRECT_URL', 'https://app.example.org', 'https://app.example.org/'],
    ['ACCOUNT_LOGOUT_REDIRECT_URL', 'http://localhost:3000/bye', 'http://localhost:3000/bye'],
    ['PUBLIC_URL', 'https://login.example.org', 'https://login.example.org'],
    ['PUBLIC_URL', 'https://login.example.org/', 'https://login.example.org'],
    ['PUBLIC_URL', 'http://localhost:8787', 'http://localhost:8787'],
    ['BASE_PATH', '/auth/', '/auth/'],
    ['BASE_PATH', '/my/auth', '/my/auth/'],
    [
      'CORS_ORIGINS',
      'https://app.example.org,http://localhost:5173',
      ['https://app.example.org', 'http://localhost:5173'],
    ],
    ['SESSION_COOKIE_NAME', '__Host-sid', '__Host-sid'],
    ['SITE_NAME', 'Ann’s Shop', 'Ann’s Shop'],
    ['SITE_NAME', 7, '7'],
    ['SITE_NAME', ' Caf\u00e9\u00a0 \u202eBar', 'Caf\u00e9 Bar'],
    ['SITE_ACCENT', '#FFcc00', '#ffcc00'],
    ['SITE_LOGO', '/img/logo.svg?v=2', '/img/logo.svg?v=2'],
    ['SITE_LOGO', 'data:image/png;base64,iVBORw0K', 'data:image/png;base64,iVBORw0K'],
    ['SITE_SUPPORT_URL', 'https://example.org/help', 'https://example.org/help'],
    ['SITE_SUPPORT_URL', 'mailto:help@example.org', 'mailto:help@example.org'],
    ['SESSION_COOKIE_DOMAIN', '.example.org', '.example.org'],
    [
      'CSRF_TRUSTED_ORIGINS',
      'https://a.example, http://b.example:8080',
      ['https://a.example', 'http://b.example:8080'],
    ],
    [
      'ALLOWED_REDIRECT_HOSTS',
      'App.example.org,b.example:8443,[::1]:80',
      ['app.example.org', 'b.example:8443', '[::1]:80'],
    ],
  ])('%s: %j', (name, value, expected) => {
    expect(settingsOf({ [name]: value })).toMatchObject({ [name]: expected });
  });

  test('DATABASE_URL with its credentials decoded', () => {
    expect(settingsOf().DATABASE_URL).toEqual({
      protocol: 'https:',
      host: 'aws.connect.psdb.cloud',
      username: 'user',
      password: 'pscale_pw_x/y',
    });
  });
});

const KEY = newSigningKey();

/** Values that each variable refuses. */
const MALFORMED: Record<string, unknown[]> = {
  SITE_NAME: [' ', '\u202e', 'x'.repeat(65), [], null],
  SITE_ACCENT: ['blue', '#fff', '2453c9', '#2453cg', '#2453c9ff'],
  SITE_LOGO: [
    'logo.svg',
    '//evil.example/logo.svg',
    '/\\evil.example',
    '/a b.svg',
    'https://cdn.example/logo.svg',
    'data:text/html,x',
    `data:image/png;base64,${'A'.repeat(4096)}`,
  ],
  SITE_SUPPORT_URL: [
    'help',
    '/help',
    'javascript:alert(1)',
    'data:text/html,x',
    'mailto:',
    'https://u:p@x.example',
  ],
  SESSION_READS: ['Primary', 'both', 'true'],
  PUBLIC_URL: [
    'login.example.org',
    'http://login.example.org',
    'https://login.example.org/auth',
    'https://u:p@login.example.org',
    '//x',
  ],
  BASE_PATH: [
    'auth',
    '/auth?',
    '//',
    '/a//b/',
    '/../',
    '/api/',
    '/api',
    '/.well-known/x/',
    '/healthz',
    '/readyz/',
  ],
  CORS_ORIGINS: ['*', 'app.example.org', 'https://app.example.org/', 'null'],
  ASSERTION_KEYS: [
    'x',
    '{}',
    '{"keys":[]}',
    toKeySet([{ ...KEY, d: undefined }]),
    toKeySet([{ ...KEY, kty: 'RSA' }]),
    toKeySet([{ ...KEY, crv: 'P-384' }]),
    toKeySet([{ ...KEY, x: KEY.y, y: KEY.x }]),
    toKeySet([{ ...KEY, d: 'short' }]),
    toKeySet([{ ...KEY, d: newSigningKey().d }]),
    toKeySet([{ ...KEY, use: 'enc' }]),
    toKeySet([{ ...KEY, alg: 'ECDH-ES' }]),
    toKeySet([{ ...KEY, kid: 7 }]),
    toKeySet([KEY, { ...newSigningKey(), kid: KEY.kid }]),
    '{"keys":[null]}',
  ],
  UPSTASH_REDIS_REST_URL: [
    'http://redis.example',
    'http://10.0.0.1:8079',
    'http://127.0.0.1@redis.example',
    '',
    'eu1.upstash.io',
    'redis://x.upstash.io',
    'https://',
    'https:// x',
    7,
    null,
    {},
  ],
  READYZ_TOKEN: ['with space', 'línea', 'a\nb', null, []],
  UPSTASH_REDIS_REST_TOKEN: ['', 'with space', 'línea', 'a\nb', null, []],
  DATABASE_URL: [
    '',
    'nonsense',
    'mysql://host/db',
    'mysql://user@host/db',
    'postgres://u:p@host/db',
    'mysql://u:%@h/d',
  ],
  SECRET_KEY: ['', 'k'.repeat(31), null, {}],
  SECRET_KEY_FALLBACKS: ['short', `${'a'.repeat(32)},short`],
  LOGIN_URL: [
    '/',
    'sign-in/',
    '//evil.com',
    '/a b/',
    '/a?b',
    '/a#b',
    '/a/../b',
    '/a/..',
    '/./a',
    '/a//b',
    '/%61/',
    '/a\\b',
    'https://x.example/',
  ],
  LOGIN_REDIRECT_URL: [
    'home',
    '//evil.com',
    '/\\evil.com',
    '/..//evil.com',
    '/\t/evil.com',
    'javascript:alert(1)',
    'https://',
  ],
  ACCOUNT_LOGOUT_REDIRECT_URL: ['bye', '//evil.com', 'ftp://x.example', 'data:text/html,x', 'http:/x'],
  SESSION_COOKIE_NAME: ['a b', 'a=b', 'a;b', 'é', 'a,b', '"a"', 'x'.repeat(65), 'a\n'],
  CSRF_COOKIE_NAME: ['a b', 'a=b', 'sessionid', '(x)'],
  SESSION_COOKIE_DOMAIN: [
    'exa mple.org',
    'example.org;x',
    'https://example.org',
    'example..org',
    'a_b.example',
    'x\ny',
  ],
  CSRF_TRUSTED_ORIGINS: [
    'example.org',
    'https://a.example/',
    'https://a.example/x',
    'null',
    '*',
    'https://A.example',
    'ftp://a.example',
  ],
  ALLOWED_REDIRECT_HOSTS: [
    'https://a.example',
    'a.example/',
    'a.example:',
    'u@a.example',
    'a b',
    '*',
    '*.example.org',
    'a.example;script-src',
    "'none'",
    '..',
    'a.example:99999',
  ],
  SESSION_COOKIE_AGE: ['0', '-1', '1.5', '1e3', 'abc', ' 5', '99999999999', true, null, [5]],
  SESSION_IDLE_AGE: ['0', '7200s', -1, 1.5],
  REMEMBER_ME_AGE: ['0', '315360001'],
  REMEMBER_ME_IDLE_AGE: ['0', 'never'],
  BCRYPT_ROUNDS: ['9', '15', '10.5', 31],
  PBKDF2_MAX_ITERATIONS: ['0', '100000001'],
  MIN_PASSWORD_LENGTH: ['7', '257', '-8'],
  MAX_SESSIONS_PER_USER: ['-1', '100001', 'none'],
  REFUSAL_FLOOR_MS: ['-1', '2001', 'a second'],
  ACTIVITY_RETENTION_DAYS: ['-1', '36501', 'forever'],
};

describe('malformed settings', () => {
  const cases = Object.entries(MALFORMED).flatMap(([name, values]) =>
    values.map((value): [string, unknown] => [name, value]),
  );
  test.each(cases)('%s: %j', (name, value) => {
    expect(malformedOf({ ...SECRETS, [name]: value })).toEqual([name]);
  });

  test('a required one that is missing is malformed', () => {
    for (const name of Object.keys(SECRETS)) {
      const env = Object.fromEntries(Object.entries(SECRETS).filter(([each]) => each !== name));
      expect(malformedOf(env)).toEqual([name]);
    }
    expect(malformedOf({}).toSorted()).toEqual(Object.keys(SECRETS).toSorted());
  });

  test.each([null, undefined, 7, 'text', []])('an environment that is %j is malformed', (env) => {
    expect(malformedOf(env).length).toBeGreaterThan(0);
  });

  test('are all reported by name, never by value', () => {
    // A marker in each value, so that a leak shows. A site may have any name that is short.
    const marked = Object.fromEntries(
      Object.keys(MALFORMED).map((name) => [
        name,
        `;leak of ${name}\n${name === 'SITE_NAME' ? 'x'.repeat(64) : ''}`,
      ]),
    );
    fc.assert(
      fc.property(fc.subarray(Object.keys(marked), { minLength: 1 }), (names) => {
        const bad = Object.fromEntries(names.map((name) => [name, marked[name]]));
        const result = parseSettings({ ...SECRETS, ...bad });
        expect(result.ok).toBe(false);
        const text = JSON.stringify(result);
        expect(text).not.toContain('leak');
        for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
        if (!result.ok) expect(result.malformed.toSorted()).toEqual(names.toSorted());
      }),
    );
  });

  test('never throw, and the result holds only names', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(MALFORMED)), anyText(), (name, value) => {
        const result = parseSettings({ ...SECRETS, [name]: value });
        if (!result.ok) expect(result).toEqual({ ok: false, malformed: [name] });
      }),
    );
  });

  // A pattern that tries each way to split a segment would take minutes.
  test('a long LOGIN_URL is parsed quickly', { timeout: 500 }, () => {
    expect(malformedOf({ ...SECRETS, LOGIN_URL: `/${'a'.repeat(26)}?` })).toEqual(['LOGIN_URL']);
  });
});

test('a key without an id is named for its thumbprint (RFC 7638)', () => {
  const { kid, ...key } = KEY;
  expect(settingsOf({ ASSERTION_KEYS: toKeySet([key]) }).ASSERTION_KEYS).toEqual([{ ...key, kid }]);
});

describe('contradicting settings', () => {
  test.each([
    [{ SESSION_COOKIE_NAME: '__Host-sid', SESSION_COOKIE_DOMAIN: 'example.org' }, ['SESSION_COOKIE_NAME']],
    // Browsers ignore the prefix's case.
    [{ SESSION_COOKIE_NAME: '__host-sid', SESSION_COOKIE_DOMAIN: 'example.org' }, ['SESSION_COOKIE_NAME']],
    [{ SESSION_COOKIE_NAME: '__Secure-sid', SESSION_COOKIE_DOMAIN: 'example.org' }, []],
    // csrftoken is host-only whatever the domain.
    [{ CSRF_COOKIE_NAME: '__Host-csrf', SESSION_COOKIE_DOMAIN: 'example.org' }, []],
    [{ SESSION_COOKIE_NAME: 'same', CSRF_COOKIE_NAME: 'same' }, ['CSRF_COOKIE_NAME']],
    [{ SESSION_COOKIE_NAME: 'returns' }, ['SESSION_COOKIE_NAME']],
    [
      { SESSION_COOKIE_NAME: 'device', CSRF_COOKIE_NAME: 'signedout' },
      ['SESSION_COOKIE_NAME', 'CSRF_COOKIE_NAME'],
    ],
    [{ LOGIN_URL: '/home/' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/home' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/logout/' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/sessions/' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/sessions/revoke/' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/account/password/' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/healthz' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/readyz/' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/api/v1/sessions' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/assets/x/' }, ['LOGIN_URL']],
    [{ LOGIN_URL: '/apiary/' }, []],
    [{ LOGIN_URL: '/.well-known/jwks.json' }, ['LOGIN_URL']],
    [{ BASE_PATH: '/auth/', LOGIN_URL: '/api/' }, []],
    [{ BASE_PATH: '/auth/', LOGIN_URL: '/home/' }, ['LOGIN_URL']],
    [{ BASE_PATH: '/auth/', LOGIN_URL: '/auth/sign-in/' }, ['LOGIN_URL']],
  ])('%j: %j', (vars, names) => {
    expect(malformedOf({ ...SECRETS, ...vars })).toEqual(names);
  });
});

describe('WEBHOOKS', () => {
  const CAN_SIGN = { ASSERTION_KEYS: toKeySet([newSigningKey()]), PUBLIC_URL: 'https://login.example.org' };
  const billing = { name: 'billing', url: 'https://billing.example.org/events?v=1', token: 't0ken-._~+/=' };
  const receivers = (...list: object[]) => ({ ...CAN_SIGN, WEBHOOKS: JSON.stringify(list) });
  const malformed = (env: Record<string, unknown>) => malformedOf({ ...SECRETS, ...env });

  test('has receivers, for ends of sessions unless they ask for more', () => {
    const local = { name: 'a-1', url: 'http://127.0.0.1:8080', token: 't', events: ['failure', 'start'] };
    expect(settingsOf(receivers(billing, local)).WEBHOOKS).toEqual([
      { ...billing, audience: 'https://billing.example.org', events: ['end'] },
      { ...local, url: 'http://127.0.0.1:8080/', audience: 'http://127.0.0.1:8080' },
    ]);
  });

  test('queues an event once, however often its kind is listed', () => {
    const { WEBHOOKS } = settingsOf(receivers({ ...billing, events: ['end', 'start', 'end'] }));
    expect(WEBHOOKS[0]?.events).toEqual(['end', 'start']);
  });

  test('may be an empty list, without keys', () => {
    expect(settingsOf({ WEBHOOKS: '[]' }).WEBHOOKS).toEqual([]);
  });

  test.each([
    ['no name', { name: undefined }],
    ['a name in capitals', { name: 'Billing' }],
    ['a name that is too long', { name: 'x'.repeat(33) }],
    ['an empty name', { name: '' }],
    ['a name that could be another key', { name: 'billing:state' }],
    ['no address', { url: undefined }],
    ['no absolute address', { url: '/events' }],
    ['plain http', { url: 'http://billing.example.org/' }],
    ['another scheme', { url: 'ftp://billing.example.org/' }],
    ['a user in the address', { url: 'https://user@billing.example.org/' }],
    ['a password in the address', { url: 'https://:password@billing.example.org/' }],
    ['a fragment', { url: 'https://billing.example.org/#part' }],
    ['an empty fragment', { url: 'https://billing.example.org/#' }],
    ['no token', { token: undefined }],
    ['an empty token', { token: '' }],
    ['a token with a space', { token: 'two words' }],
    ['a token with a line break', { token: 'a\r\nHost: evil.example' }],
    ['a token outside ASCII', { token: 'tökén' }],
    ['an unknown event', { events: ['end', 'everything'] }],
    ['no events', { events: [] }],
    ['events that are no list', { events: 'end' }],
  ])('with %s is malformed', (_, change) => {
    expect(malformed(receivers({ ...billing, ...change }))).toEqual(['WEBHOOKS']);
  });

  test.each(['{}', '[1]', '[null]', 'billing', '[{', '[[]]'])('is malformed if it is %s', (text) => {
    expect(malformed({ ...CAN_SIGN, WEBHOOKS: text })).toEqual(['WEBHOOKS']);
  });

  test('is malformed if two receivers have a name, or if there are more than five', () => {
    expect(malformed(receivers(billing, billing))).toEqual(['WEBHOOKS']);
    const named = (count: number) => Array.from({ length: count }, (_, i) => ({ ...billing, name: `r${i}` }));
    expect(malformed(receivers(...named(5)))).toEqual([]);
    expect(malformed(receivers(...named(6)))).toEqual(['WEBHOOKS']);
  });

  test.each([
    ['PUBLIC_URL', { PUBLIC_URL: '' }],
    ['ASSERTION_KEYS', { ASSERTION_KEYS: '' }],
  ])('is malformed without %s', (_, change) => {
    expect(malformed({ ...receivers(billing), ...change })).toEqual(['WEBHOOKS']);
  });
});
