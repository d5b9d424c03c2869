import { describe, expect, test } from 'vitest';
import { verifiedAssertion } from '../../support/assertion.ts';
import { identityIn, seenBy, type ProxyEnvironment } from './suite.ts';

const HEADERS = ['Remote-User', 'Remote-User-Id', 'Hoskie-Jwt-Assertion'];

/** Ways to write a header that many apps take for the same one. */
const SPELLINGS = HEADERS.flatMap((name) => [
  name,
  name.toUpperCase(),
  name.replaceAll('-', '_'),
  name.replaceAll('-', '.'),
  name.replace('-', '_').toLowerCase(),
]);

/** What guides for other services make apps believe. */
const OTHER_IDENTITIES = ['Remote-Groups', 'Remote_Groups', 'Remote-Email', 'Remote-Name'];

/** What the app is told about who a request is from, whatever the client says. */
export function testIdentity(environment: ProxyEnvironment): void {
  describe('the identity that the app sees', () => {
    test('is signed for this app, and exact for any name', async () => {
      const username = '😀'.repeat(150);
      const { user, headers } = await environment.signedIn(username);
      const seen = identityIn(seenBy(await environment.ask('/', { headers })));
      const assertion = seen['hoskie-jwt-assertion']?.[0] ?? null;
      expect(seen).toEqual({
        'remote-user': [encodeURIComponent(username)],
        'remote-user-id': [user.id],
        'hoskie-jwt-assertion': [assertion],
      });
      const { origin, serviceOrigin, key } = environment.proxy;
      const { claims } = await verifiedAssertion(assertion, [key]);
      expect(claims).toMatchObject({
        iss: serviceOrigin,
        aud: origin,
        sub: user.id,
        preferred_username: username,
      });
    });

    test.each([...SPELLINGS, ...OTHER_IDENTITIES])(
      'is the right one when the client sends %s',
      async (name) => {
        const { user, headers } = await environment.signedIn();
        const seen = identityIn(
          seenBy(await environment.ask('/', { headers: { ...headers, [name]: 'admin' } })),
        );
        expect(seen['remote-user']).toEqual([user.username]);
        expect(seen['remote-user-id']).toEqual([user.id]);
        expect(seen['hoskie-jwt-assertion']).toHaveLength(1);
        expect(JSON.stringify(seen)).not.toContain('admin');
      },
    );

    test('is none on a public path, whatever the client sends', async () => {
      const { headers } = await environment.signedIn();
      const forged = Object.fromEntries(SPELLINGS.map((name) => [name, 'admin']));
      const reply = await environment.ask('/static/a.css', { headers: { ...headers, ...forged } });
      expect(identityIn(seenBy(reply))).toEqual({});
    });
  });

  test('a signed-out client that says who it is stays signed out', async () => {
    const before = environment.app.seen.length;
    for (const name of SPELLINGS)
      expect((await environment.ask('/', { headers: { [name]: 'admin' } })).status, name).toBe(401);
    expect(environment.app.seen).toHaveLength(before);
  });

  test.each([
    'X-Forwarded-Host',
    'X-Original-URL',
    'X-Forwarded-Uri',
    'X-Forwarded-Proto',
    'X-Forwarded-Method',
  ])('%s of the client changes nothing', async (name) => {
    const { headers } = await environment.signedIn();
    const value = name === 'X-Original-URL' ? 'https://evil.example/static/' : 'evil.example';
    const reply = await environment.ask('/x/', { headers: { ...headers, [name]: value } });
    expect(reply.status).toBe(200);
    const { origin, key } = environment.proxy;
    const seen = seenBy(reply);
    const assertion = identityIn(seen)['hoskie-jwt-assertion']?.[0] ?? null;
    expect((await verifiedAssertion(assertion, [key])).claims['aud']).toBe(origin);
    const forwardedHosts = seen.headers.filter(([each]) => each.toLowerCase() === 'x-forwarded-host');
    expect(forwardedHosts.map(([, host]) => host)).toEqual([new URL(origin).host]);
  });

  test('a request for another host gets no identity of this app', async () => {
    const { headers } = await environment.signedIn();
    const before = environment.app.seen.length;
    await environment.ask('/', { headers: { ...headers, Host: 'evil.example' } });
    expect(environment.app.seen).toHaveLength(before);
  });

  test('addresses of the client’s own do not reach the app', async () => {
    const names = ['Forwarded', 'X-Original-URL', 'X-Rewrite-URL', 'X_Forwarded_Host', 'X-Real-IP'];
    const sent = Object.fromEntries(names.map((name) => [name, 'evil.example']));
    const { headers } = await environment.signedIn();
    for (const [path, own] of [
      ['/static/a.css', {}],
      ['/', headers],
    ] as const) {
      const seen = seenBy(await environment.ask(path, { headers: { ...own, ...sent } }));
      expect(
        seen.headers.filter(([, value]) => value.includes('evil')),
        path,
      ).toEqual([]);
    }
  });

  test('an identity is complete, whatever headers Connection lists', async () => {
    const { headers } = await environment.signedIn();
    const Connection = 'close, Remote-User, Hoskie-Jwt-Assertion';
    const seen = identityIn(seenBy(await environment.ask('/', { headers: { ...headers, Connection } })));
    expect(Object.keys(seen).sort()).toEqual(HEADERS.map((name) => name.toLowerCase()).sort());
  });

  test('no upgrade but WebSocket’s reaches the app: what follows it would pass unseen', async () => {
    const upgrade = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk' };
    const reply = await environment.ask('/static/a.css', { headers: upgrade });
    if (reply.status !== 200) return expect(reply.status).toBe(400);
    const names = seenBy(reply).headers.map(([name]) => name.toLowerCase());
    expect(names).not.toContain('upgrade');
  });

  test.each(['/static/../x', '/static/%2e%2e/x', '/static/..%2fx', '/static/..;/x', '//static/../x'])(
    'a path that could lead out of the public ones is protected: %s',
    async (path) => {
      const before = environment.app.seen.length;
      expect([400, 401]).toContain((await environment.ask(path)).status);
      expect(environment.app.seen).toHaveLength(before);
    },
  );
}
