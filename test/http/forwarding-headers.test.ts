import { describe, expect, test } from 'vitest';
import { CHEAP_HASH } from '../support/hostile-strings.ts';
import { loginRows } from '../support/people.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { openSignInForm } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

const SPOOFED = '203.0.113.66';
const REAL = '198.51.100.7';

/** Headers that some proxy somewhere trusts. */
const SPOOFS: Record<string, string>[] = [
  { 'X-Forwarded-For': SPOOFED },
  { 'X-Forwarded-For': `${SPOOFED}, ${REAL}` },
  { Forwarded: `for=${SPOOFED};host=evil.example;proto=http` },
  { 'X-Real-IP': SPOOFED },
  { 'True-Client-IP': SPOOFED },
  {
    'X-Client-IP': SPOOFED,
    'Client-IP': SPOOFED,
    'X-Cluster-Client-IP': SPOOFED,
    'Fastly-Client-IP': SPOOFED,
  },
  { 'X-Originating-IP': SPOOFED, 'X-Remote-IP': SPOOFED, 'X-Remote-Addr': SPOOFED, Via: `1.1 ${SPOOFED}` },
  { 'CF-Connecting-IPv6': '2001:db8::66' },
  { 'CF-Pseudo-IPv4': '240.0.0.1' },
];

describe('the recorded and throttled address', () => {
  test.each(SPOOFS)('is never %j', async (spoof) => {
    const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
    const form = await openSignInForm(environment);
    for (const address of [REAL, '2001:db8:5:6:7::8']) {
      await environment.cloud.redis.flushdb();
      await form.submit({ username, password: 'wrong' }, { 'CF-Connecting-IP': address, ...spoof });
      const networks = await environment.cloud.redis.keys('throttle:network:*');
      expect(networks).toEqual([`throttle:network:${address === REAL ? REAL : '2001:db8:5:6::/64'}`]);
    }
    await environment.worker.delivered();
    const rows = await loginRows(environment.cloud, username);
    expect(rows.map((row) => row['ip_address'])).toEqual([REAL, '2001:db8:5:6:7::8']);
  });

  test.each([`${SPOOFED}, ${REAL}`, "' OR 1=1", '::1]@[::2'])('is unknown if it is %j', async (address) => {
    const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
    const form = await openSignInForm(environment);
    await environment.cloud.redis.flushdb();
    await form.submit({ username, password: 'wrong' }, { 'CF-Connecting-IP': address });
    // No counter that all such clients would share, and fill for each other.
    expect(await environment.cloud.redis.keys('throttle:*network*')).toEqual([]);
    expect(environment.worker.logs.join('\n')).toContain('"event":"client_address_missing"');
    await environment.worker.delivered();
    expect((await loginRows(environment.cloud, username)).map((row) => row['ip_address'])).toEqual([null]);
  });
});

test('new addresses in these headers do not reset the throttle', async () => {
  const { username } = await environment.addUser({ passwordHash: CHEAP_HASH });
  const form = await openSignInForm(environment);
  const statuses: number[] = [];
  for (let i = 1; i <= 12; i += 1) {
    const spoofs = Object.assign({}, ...SPOOFS) as Record<string, string>;
    const headers = Object.fromEntries(
      Object.entries(spoofs).map(([name, value]) => [name, value.replaceAll('66', `${i}`)]),
    );
    const response = await form.submit(
      { username, password: 'wrong' },
      { ...headers, 'CF-Connecting-IP': REAL },
    );
    statuses.push(response.status);
  }
  expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429]);
});

describe('scheme, host and path', () => {
  const HTTPS = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Ssl': 'on', 'Front-End-Https': 'on' };
  const HTTP = {
    'X-Forwarded-Proto': 'http',
    'X-Forwarded-Scheme': 'http',
    'CF-Visitor': '{"scheme":"http"}',
  };

  test('plain http is redirected, whatever the headers say', async () => {
    const headers = {
      ...HTTPS,
      'CF-Visitor': '{"scheme":"https"}',
      Forwarded: 'proto=https',
      'X-Url-Scheme': 'https',
    };
    const response = await environment.fetch('http://login.example.org/sign-in/', { headers });
    expect(response.status).toBe(308);
    expect(response.headers.get('Location')).toBe('https://login.example.org/sign-in/');
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test('https stays https, and its cookies Secure', async () => {
    const response = await environment.fetch(`${ORIGIN}/sign-in/`, { headers: HTTP });
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()[0]).toContain('Secure');
    const foreign = await environment.fetch('http://evil.example/sign-in/', {
      headers: { 'X-Forwarded-Host': 'localhost' },
    });
    expect(foreign.status).toBe(308);
  });

  test.each([
    { 'X-Forwarded-Host': 'evil.example' },
    { Forwarded: 'host=evil.example;proto=https' },
    {
      'X-Host': 'evil.example',
      'X-Forwarded-Server': 'evil.example',
      'X-HTTP-Host-Override': 'evil.example',
    },
    { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443' },
  ])('%j does not make evil.example our own host', async (headers) => {
    const { token, visitor } = await environment.seedVisitor();
    const csrf = (await visitor.cookie('csrftoken')) ?? '';
    const Cookie = `sessionid=${token}; csrftoken=${csrf}`;
    const logout = await environment.fetch(`${ORIGIN}/logout/`, {
      method: 'POST',
      headers: { ...headers, Cookie, 'X-CSRFToken': csrf, Origin: 'https://evil.example' },
    });
    expect(logout.status).toBe(403);
    const away = await environment.fetch(`${ORIGIN}/sign-in/?next=https://evil.example/`, {
      headers: { ...headers, Cookie },
    });
    expect(away.headers.get('Location')).toBe('/home/');
    const home = await environment.fetch(`${ORIGIN}/home/`, { headers });
    expect(home.headers.get('Location')).toBe('/sign-in/?next=%2Fhome%2F');
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test.each(['X-Original-URL', 'X-Rewrite-URL', 'X-Override-URL', 'X-Forwarded-Prefix', 'X-Accel-Redirect'])(
    '%s does not choose the page',
    async (name) => {
      const response = await environment.fetch(`${ORIGIN}/healthz`, { headers: { [name]: '/home/' } });
      expect(await response.text()).toBe('ok\n');
      const home = await environment.fetch(`${ORIGIN}/home/`, { headers: { [name]: '/' } });
      expect(home.status).toBe(302);
    },
  );
});

testAftermath(environment);
