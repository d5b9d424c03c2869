import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, eventually } from '../support/people.ts';
import { endsInSeconds, seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const HOUR_MS = 3_600_000;
/** Of the right form. */
const NEVER_ISSUED = `${'A'.repeat(42)}A`;

const bearer = (token?: string): ApiCaller => new ApiCaller(environment.worker.visitor(), token);

describe('GET /sessions/current', () => {
  test('reports the user and session of a bearer', async () => {
    const user = await addUser(environment.cloud);
    const { token, session } = await seedSession(environment.cloud, user, {
      kind: 'bearer',
      deviceName: 'tablet',
      rememberMe: true,
    });
    const { status, body } = await bearer(token).get('/sessions/current');
    expect(status).toBe(200);
    expect(body).toEqual({
      session: {
        id: session.id,
        current: true,
        kind: 'bearer',
        created_at: new Date(session.createdAtMs).toISOString(),
        last_seen_at: new Date(session.lastSeenAtMs).toISOString(),
        expires_at: new Date(session.expiresAtMs).toISOString(),
        ip_address: session.client.ipAddress,
        user_agent: session.client.userAgent,
        device_name: 'tablet',
        remember_me: true,
      },
      user: { id: user.id, username: user.username },
    });
  });

  test('reports those of a cookie, without a CSRF token', async () => {
    const user = await addUser(environment.cloud);
    const { visitor, session } = await seedVisitor(environment, user);
    const { status, body, setCookies } = await new ApiCaller(visitor).get('/sessions/current', {
      headers: { Origin: undefined },
    });
    expect(status).toBe(200);
    expect(body.session).toMatchObject({ id: session.id, kind: 'cookie', current: true });
    expect(setCookies).toEqual([]);
  });

  test('the scheme is Bearer in any case', async () => {
    const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
      kind: 'bearer',
    });
    for (const scheme of ['bearer', 'BEARER', 'Bearer ']) {
      const headers = { Authorization: `${scheme} ${token}` };
      expect((await bearer().get('/sessions/current', { headers })).status).toBe(200);
    }
  });

  test('after an idle hour last_seen_at is at most 5 minutes old', async () => {
    for (const path of ['/sessions/current', '/sessions']) {
      const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
        kind: 'bearer',
        createdAtMs: Date.now() - HOUR_MS,
      });
      const { session, sessions } = (await bearer(token).get(path)).body;
      const seenAt = (session ?? sessions[0]).last_seen_at;
      expect(Date.parse(seenAt), path).toBeGreaterThan(Date.now() - 300_000);
    }
  });

  test('such a request moves last_seen_at and the idle end in the store', async () => {
    const { token, tokenHash } = await seedSession(environment.cloud, await addUser(environment.cloud), {
      kind: 'bearer',
      createdAtMs: Date.now() - HOUR_MS,
    });
    const caller = bearer(token);
    await caller.get('/sessions');
    await eventually(async () => {
      expect(await endsInSeconds(environment.cloud, tokenHash)).toBeGreaterThan(7100);
    });
    const { body } = await caller.get('/sessions/current');
    expect(Date.parse(body.session.last_seen_at)).toBeGreaterThan(Date.now() - 60_000);
  });
});

/** Each API route that needs a session. */
const ROUTES: [string, string, unknown?][] = [
  ['GET', '/sessions/current'],
  ['GET', '/sessions'],
  ['GET', '/logouts'],
  ['DELETE', `/sessions/${'0'.repeat(26)}`],
  ['DELETE', '/sessions?scope=others'],
  ['DELETE', '/sessions?scope=all'],
  ['PUT', '/password', { current_password: 'x', new_password: 'a new and long enough one' }],
];

describe.each(ROUTES)('%s %s responds 401', (method, path, json) => {
  const call = (caller: ApiCaller, headers: Record<string, string | undefined> = {}) =>
    caller.call(method, path, { ...(json === undefined ? {} : { json }), headers });

  test('without a credential, with a malformed one, with one never issued', async () => {
    const all: { Authorization?: string; Cookie?: string }[] = [
      {},
      { Authorization: 'Bearer' },
      { Authorization: `Bearer ${NEVER_ISSUED}` },
      { Authorization: 'Bearer not-a-token' },
      { Authorization: `Bearer ${NEVER_ISSUED} ${NEVER_ISSUED}` },
      { Authorization: `Bearer ${'A'.repeat(5000)}` },
      { Authorization: 'Basic YW5uOnNlY3JldA==' },
      { Cookie: 'sessionid=not-a-token' },
    ];
    for (const sent of all) {
      const { status, body, headers } = await call(bearer(), sent);
      expect(status, JSON.stringify(sent)).toBe(401);
      expect(body.code).toBe('not_signed_in');
      const isBearer = sent.Authorization?.startsWith('Bearer') === true;
      expect(headers.get('WWW-Authenticate')).toBe(
        `Bearer realm="Cloud Hoskie"${isBearer ? ', error="invalid_token"' : ''}`,
      );
    }
  });

  test("with a cookie's token as a bearer, or the reverse", async () => {
    const user = await addUser(environment.cloud);
    const { token: cookieToken, visitor } = await seedVisitor(environment, user);
    expect((await call(bearer(cookieToken))).status).toBe(401);

    const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
    const csrf = (await visitor.cookie('csrftoken')) ?? '';
    const { status } = await call(bearer(), {
      Cookie: `sessionid=${token}; csrftoken=${csrf}`,
      'X-CSRFToken': csrf,
    });
    // Where something would change, the CSRF token is checked first, and no such cookie has one.
    expect([401, 403]).toContain(status);
    expect(await visitor.isSignedIn()).toBe(true);
    expect((await bearer(token).get('/sessions')).body.sessions).toHaveLength(2);
  });

  test('with an invalid Authorization beside a valid cookie: the header beats it', async () => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    for (const Authorization of [`Bearer ${NEVER_ISSUED}`, 'Bearer nonsense', 'Bearer']) {
      expect((await call(new ApiCaller(visitor), { Authorization })).status).toBe(401);
    }
    expect(await visitor.isSignedIn()).toBe(true);
  });
});

describe('an Authorization of another scheme', () => {
  const BASIC = { Authorization: 'Basic YW5uOnNlY3JldA==' };

  test('hides no cookie, whose CSRF token is still needed', async () => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    const caller = new ApiCaller(visitor);
    expect((await caller.get('/sessions/current', { headers: BASIC })).status).toBe(200);
    const withoutToken = { ...BASIC, 'X-CSRFToken': undefined };
    expect((await caller.delete('/sessions/current', { headers: withoutToken })).status).toBe(403);
    expect(await visitor.isSignedIn()).toBe(true);
    const { status, body } = await caller.delete('/sessions/current', { headers: BASIC });
    expect({ status, revoked: body.revoked }).toEqual({ status: 200, revoked: 1 });
    expect(await visitor.isSignedIn()).toBe(false);
  });

  test('is no credential by itself', async () => {
    expect((await bearer().delete('/sessions/current', { headers: BASIC })).status).toBe(401);
  });
});

test("a valid bearer beats another user's cookie and needs no CSRF token, whatever the origin", async () => {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  const user = await addUser(environment.cloud);
  const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const caller = new ApiCaller(visitor, token);
  expect((await caller.get('/sessions/current')).body.user.id).toBe(user.id);
  const headers = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  const { status, body } = await caller.delete('/sessions?scope=all', { headers });
  expect({ status, revoked: body.revoked }).toEqual({ status: 200, revoked: 1 });
  expect(await visitor.isSignedIn()).toBe(true);
});

describe('a route that does not exist needs no credential', () => {
  test.each([
    ['GET', '', 404],
    ['GET', '/', 404],
    ['GET', '/nothing', 404],
    ['GET', '/sessions/current/more', 404],
    ['PATCH', '/sessions', 405],
    ['POST', '/sessions/current', 405],
    ['GET', `/sessions/${'0'.repeat(26)}`, 405],
    ['GET', '/password', 405],
    ['DELETE', '/logouts', 405],
    ['POST', '/openapi.json', 405],
  ])('%s %s: %i as a problem', async (method, path, expected) => {
    const { status, headers } = await bearer().call(method, path, { headers: { Accept: 'text/html' } });
    expect(status).toBe(expected);
    expect(headers.get('Allow') !== null).toBe(expected === 405);
  });
});
