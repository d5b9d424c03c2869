import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, loginRows, logoutRows, PASSWORD } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useTestEnvironment();

const RFC_3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

const anonymous = (): ApiCaller => new ApiCaller(environment.worker.visitor());

async function newCredentials() {
  const { username, password } = await addUser(environment.cloud);
  return { username, password };
}

describe('signs in', () => {
  test('201 with a token, the session and the user, no cookie; the token opens the API', async () => {
    const user = await addUser(environment.cloud);
    const visitor = environment.worker.visitor({
      headers: { 'User-Agent': 'App/2.1' },
      cf: { country: 'CH' },
    });
    const beforeMs = Date.now();
    const { status, body, setCookies } = await new ApiCaller(visitor).post('/sessions', {
      username: user.username,
      password: PASSWORD,
      device_name: "Ada's phone 📱",
    });
    const afterMs = Date.now();
    expect(status).toBe(201);
    expect(setCookies).toEqual([]);
    const { created_at: createdAt } = body.session;
    expect(body).toEqual({
      token: expect.stringMatching(/^[\w-]{43,}$/) as string,
      token_type: 'Bearer',
      expires_at: body.session.expires_at,
      device_token: expect.stringMatching(/^[\w-]{22}\.[\w-]{22}$/) as string,
      session: {
        id: expect.stringMatching(/./) as string,
        current: true,
        kind: 'bearer',
        created_at: expect.stringMatching(RFC_3339_UTC) as string,
        last_seen_at: createdAt,
        expires_at: new Date(Date.parse(createdAt) + 86_400_000).toISOString(),
        ip_address: visitor.ipAddress,
        user_agent: 'App/2.1',
        device_name: "Ada's phone 📱",
        remember_me: false,
      },
      user: { id: user.id, username: user.username },
    });
    expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(beforeMs);
    expect(Date.parse(createdAt)).toBeLessThanOrEqual(afterMs);
    expect(body.session.id).not.toContain(body.token);

    const current = await new ApiCaller(environment.worker.visitor(), body.token).get('/sessions/current');
    expect(current.body).toEqual({ session: body.session, user: body.user });
    await environment.worker.delivered();
    expect(await loginRows(environment.cloud, user.username)).toMatchObject([
      { outcome: 'success', session_id: body.session.id, ip_address: visitor.ipAddress, country: 'CH' },
    ]);
  });

  test.each([
    ['none', {}, null],
    ['null', { device_name: null }, null],
    ['empty', { device_name: '' }, null],
    ['100 characters of any kind', { device_name: '🦊'.repeat(100) }, '🦊'.repeat(100)],
    ['with a NUL and quotes', { device_name: `a\0b"'\\` }, `a b"'\\`],
    ['that turns the direction of the page', { device_name: 'Ada\u202e\u2066\u200fphone\u2069' }, 'Adaphone'],
    ['of nothing that can be seen', { device_name: ' \t\u200b\ufeff\u3164\u00a0' }, null],
    ['with a line break', { device_name: 'Ada’s\r\n phone' }, 'Ada’s phone'],
  ])('device name: %s', async (_, fields, expected) => {
    const { body } = await anonymous().post('/sessions', { ...(await newCredentials()), ...fields });
    const list = await new ApiCaller(environment.worker.visitor(), body.token).get('/sessions');
    expect(list.body.sessions.map((session) => session.device_name)).toEqual([expected]);
  });

  test('neither a cookie that comes along nor the origin of the request matters', async () => {
    const user = await addUser(environment.cloud);
    const { visitor } = await seedVisitor(environment, user);
    const response = await new ApiCaller(visitor).call('POST', '/sessions', {
      json: await newCredentials(),
      headers: {
        Origin: 'https://app.example.net',
        'Sec-Fetch-Site': 'cross-site',
        'X-CSRFToken': undefined,
      },
    });
    expect(response.status).toBe(201);
    expect(await visitor.isSignedIn()).toBe(true);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toEqual([]);
  });

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json ; charset=utf-8'])(
    'as %s',
    async (type) => {
      const { status } = await anonymous().call('POST', '/sessions', {
        json: await newCredentials(),
        headers: { 'Content-Type': type },
      });
      expect(status).toBe(201);
    },
  );

  test('forty at once: no bcrypt keeps the replies of a healthy store from being read', async () => {
    const people = await Promise.all(Array.from({ length: 40 }, () => newCredentials()));
    const responses = await Promise.all(
      people.map((credentials) =>
        environment.worker.fetch(`${ORIGIN}/api/v1/sessions`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(credentials),
        }),
      ),
    );
    // On a slow machine the last ones may be told to try again: by us and in time, never by a store's time-out.
    for (const { status } of responses) expect([201, 503]).toContain(status);
    expect(environment.worker.logs.join('\n')).not.toContain('store_unavailable');
  });
});

describe('rejects', () => {
  test.each<[string, string[], object]>([
    ['nothing', ['username', 'password'], {}],
    ['no password', ['password'], { username: 'ann' }],
    ['empty fields', ['username', 'password'], { username: '', password: '' }],
    ['a number, an array', ['username', 'password'], { username: 1, password: ['x'] }],
    ['an object, null', ['username', 'password'], { username: { $ne: '' }, password: null }],
    ['too long a name', ['username'], { username: 'n'.repeat(151), password: 'x' }],
    ['too long a password', ['password'], { username: 'ann', password: 'p'.repeat(4097) }],
    ['lone surrogates', ['username', 'password'], { username: '\ud800', password: 'a\udc00b' }],
    ['remember_me as text', ['remember_me'], { username: 'ann', password: 'x', remember_me: 'true' }],
    ['remember_me as a number', ['remember_me'], { username: 'ann', password: 'x', remember_me: 1 }],
    [
      'too long a device name',
      ['device_name'],
      { username: 'ann', password: 'x', device_name: 'd'.repeat(101) },
    ],
    ['an array as device name', ['device_name'], { username: 'ann', password: 'x', device_name: ['d'] }],
    ['a broken device name', ['device_name'], { username: 'ann', password: 'x', device_name: '\udfff' }],
  ])('%s: 400, each field named once', async (_, fields, json) => {
    const { status, body } = await anonymous().post('/sessions', json);
    expect(status).toBe(400);
    expect(body.code).toBe('invalid_fields');
    expect(body.errors.map((error) => error.field)).toEqual(fields);
    for (const { message } of body.errors) expect(message).toMatch(/\w/);
  });

  test.each(['', '{', '{"username":', 'null', '[]', '"text"', '1', 'username=ann', '{"a":1}{}', '\0'])(
    'a body that is %j: 400',
    async (body) => expect((await anonymous().call('POST', '/sessions', { body })).status).toBe(400),
  );

  test.each([
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'text/json',
    'application/vnd.api+json',
  ])('the media type %s: 415', async (type) => {
    const { status, body } = await anonymous().call('POST', '/sessions', {
      json: await newCredentials(),
      headers: { 'Content-Type': type },
    });
    expect(status).toBe(415);
    expect(body.code).toBe('unsupported_media_type');
  });

  test('a body over 64 KiB: 413', async () => {
    const { status } = await anonymous().post('/sessions', { username: 'n'.repeat(65_536), password: 'x' });
    expect(status).toBe(413);
  });
});
