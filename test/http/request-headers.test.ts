import { describe, expect, test } from 'vitest';
import { CHEAP_HASH, NAUGHTY_IN_HEADERS } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { openSignInForm } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

const INJECTIONS = [
  'x\r\nSet-Cookie: sessionid=planted',
  'x\nSet-Cookie: sessionid=planted',
  'x\rSet-Cookie: sessionid=planted',
  'x\r\n\r\n<script>alert(1)</script>',
  'x%0d%0aSet-Cookie: sessionid=planted',
  'x\u560d\u560aSet-Cookie: sessionid=planted',
  'x\u2028Set-Cookie: sessionid=planted',
  'x\u0085Set-Cookie: sessionid=planted',
  'x\u0000Set-Cookie: sessionid=planted',
];

describe('text that would end a header', () => {
  test('is harmless as a name, a next and a password', async () => {
    const form = await openSignInForm(environment);
    for (const text of INJECTIONS) {
      const username = text;
      await environment.addUser({ username, passwordHash: CHEAP_HASH });
      const refused = await form.submit({ username, password: text, next: text });
      expect(refused.status).toBe(401);
      expect(refused.headers.getSetCookie()).toEqual([]);
      const api = await environment.fetch(`${ORIGIN}/api/v1/sessions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username, password: text, device_name: text }),
      });
      expect(api.status).toBe(401);
      expect([...api.headers.keys()]).not.toContain('set-cookie');
    }
  });

  test('is harmless in the path and the query of a redirect', async () => {
    for (const text of INJECTIONS.map(encodeURIComponent)) {
      for (const path of [
        `/home/?${text}`,
        `/home?${text}`,
        `/accounts/login/?${text}`,
        `/${text}`,
        `/home/${text}`,
      ]) {
        const response = await environment.fetch(ORIGIN + path);
        expect(response.headers.getSetCookie().join()).not.toContain('planted');
        expect(response.headers.get('Location') ?? '/').toMatch(/^\/(?!\/)[\u0021-\u007e]*$/);
      }
    }
  });
});

describe('X-Request-Id', () => {
  const send = async (id: string) =>
    (await environment.fetch(`${ORIGIN}/`, { headers: { 'X-Request-Id': id } })).headers;

  test.each(['a', 'A-b_c=0', '0190b8f4-6c2e-7d13-a5e4-7f0c3a1b2c3d', 'x'.repeat(64)])(
    '%s is logged beside ours',
    async (id) => {
      const ours = (await send(id)).get('X-Request-Id') ?? '';
      expect(ours).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
      expect(ours).not.toBe(id);
      await expect
        .poll(() => environment.worker.logs.filter((each) => each.includes(ours)))
        .toEqual([expect.stringContaining(`"request_id":"${ours}","client_request_id":"${id}"`)]);
    },
  );

  test.each([
    ...[
      '',
      'x'.repeat(65),
      'a b',
      'a,b',
      'a;b',
      '<script>',
      '<b>"\'x',
      '"',
      "'",
      '{"a":1}',
      '../x',
      '%0d%0a',
      '\u00e9',
      '\t',
    ],
    ...['a\u00a0b', '${jndi:ldap://x}', 'a:b', 'x'.repeat(8000)],
  ])('%j is dropped', async (id) => {
    const replaced = (await send(id)).get('X-Request-Id') ?? '';
    expect(replaced).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    if (id.length > 3) expect(environment.worker.logs.filter((line) => line.includes(id))).toEqual([]);
  });

  test('is in the error page and in one log line', async () => {
    const response = await environment.visitor().get('/nowhere/');
    const id = response.headers.get('X-Request-Id') ?? '';
    expect(response.body).toContain(id);
    // Log lines may come after the response.
    await expect.poll(() => environment.worker.logs.filter((line) => line.includes(id))).toHaveLength(1);
  });

  test('every log line is JSON', async () => {
    await inParallel(NAUGHTY_IN_HEADERS, async (text) => {
      await environment.fetch(`${ORIGIN}/`, {
        headers: { 'X-Request-Id': text, 'User-Agent': text, 'CF-IPCountry': text },
      });
    });
    for (const line of environment.worker.logs)
      expect(Object.keys(JSON.parse(line) as object)).toContain('event');
  });
});

describe('User-Agent', () => {
  test('hostile ones are harmless in the list of sessions', async () => {
    const { visitor, user } = await environment.seedVisitor();
    const form = await openSignInForm(environment);
    const agents = [
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      'Mozilla/5.0 (<b>)',
      '1'.repeat(512),
    ];
    const digits = 'Chrome/1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1x';
    for (const agent of [...agents, digits]) {
      await form.submit({ username: user.username, password: 'wrong' }, { 'User-Agent': agent });
    }
    await environment.worker.delivered();
    const page = await visitor.get('/sessions/');
    expect(page.status).toBe(200);
    expect(page.body).toContain('&lt;script&gt;');
    expect(page.body).not.toMatch(/<script|<img|<b>/);
  });
});

describe('the country', () => {
  // Old lists have A1 (anonymous proxy) and A2 (satellite); XX and T1 are Cloudflare's own.
  test.each(['A1', 'A2', 'T1', 'XX', '00', '9Z', 'EU', 'AP', 'xx', 'DE, FR', '<b>', "' OR 1=1"])(
    '%s does not break the list of sessions',
    async (country) => {
      const { visitor, user } = await environment.seedVisitor();
      const guesser = environment.visitor({ cf: { country } });
      await guesser.trySignIn({ username: user.username, password: 'wrong' });
      await environment.worker.delivered();
      const page = await visitor.get('/sessions/');
      expect(page.status).toBe(200);
      expect(page.body).not.toContain('<b>');
    },
  );
});

describe('Host', () => {
  test.each(['https://evil.example', 'https://login.example.org.', 'https://login.example.org:8443'])(
    '%s: every link and redirect is relative',
    async (origin) => {
      for (const path of [
        '/home/',
        '/home',
        '/sessions/',
        '/accounts/login/',
        '/sign-in/',
        '/',
        '/nowhere/',
      ]) {
        const response = await environment.fetch(origin + path);
        expect(response.headers.get('Location') ?? '/').toMatch(/^\/(?!\/)/);
        expect(await response.text()).not.toMatch(/(?:href|src|action)="(?!\/(?!\/))/);
      }
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    'localhost@evil.example',
    'evil.example/',
    '127.0.0.2',
  ])('raw, "%s": no page on plain http', async (host) => {
    const origin = environment.worker.localOrigin;
    const request = rawRequest(origin, 'GET', '/home/').replace(/^Host: .*$/m, `Host: ${host}`.trimEnd());
    const response = await sendRaw(origin, request);
    expect(response.status).not.toBe(200);
    expect(response.status).toBeLessThan(500);
    expect(response.body).not.toContain('<b>');
  });
});

test.each(['/', '/healthz', '/sign-in/', '/api/v1/openapi.json'])(
  'a GET of %s with a body ignores it',
  async (path) => {
    const origin = environment.worker.localOrigin;
    const chunked =
      rawRequest(origin, 'GET', path, ['Transfer-Encoding: chunked']) + '5\r\nhello\r\n0\r\n\r\n';
    expect((await sendRaw(origin, chunked)).status).toBe(200);
    const long = rawRequest(origin, 'GET', path, [], 'x'.repeat(70_000));
    expect((await sendRaw(origin, long)).status).toBe(200);
  },
);

testAftermath(environment);
