import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, loginRows, logoutRows, PASSWORD } from '../support/people.ts';
import { seedVisitor } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

const RFC_3339_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

const nobody = (): ApiCaller => new ApiCaller(stage.worker.visitor());

describe('signs in', () => {
  test('201 with a token, the session and the user, no cookie; the token opens the API', async () => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor({ headers: { 'User-Agent': 'App/2.1' }, cf: { country: 'CH' } });
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

    const current = await new ApiCaller(stage.worker.visitor(), body.token).get('/sessions/current');
    expect(current.body).toEqual({ session: body.session, user: body.user });
    await stage.worker.delivered();
    expect(await loginRows(stage.cloud, user.username)).toMatchObject([
      { outcome: 'success', session_id: body.session.id, ip_address: visitor.ipAddress, country: 'CH' },
    ]);
  });

  test.each([
    [false, 86_400, 7200],
    [true, 2_592_000, 1_209_600],
  ])('with remember_me %s the age is %i s and the idle life %i s', async (rememberMe, age, idleAge) => {
    const user = await addUser(stage.cloud);
    const { body } = await nobody().post('/sessions', { ...credentials(user), remember_me: rememberMe });
    expect(body.session.remember_me).toBe(rememberMe);
    expect(Date.parse(body.expires_at) - Date.parse(body.session.created_at)).toBe(age * 1000);
    const [tokenHash = ''] = await stage.cloud.redis.hvals(`user-sessions:${user.id}`);
    const ttl = await stage.cloud.redis.ttl(`session:${tokenHash}`);
    expect(ttl).toBeGreaterThan(idleAge - 30);
    expect(ttl).toBeLessThanOrEqual(idleAge);
  });

  test.each([
    ['none', {}, null],
    ['null', { device_name: null }, null],
    ['empty', { device_name: '' }, null],
    ['100 characters of any kind', { device_name: '🦊'.repeat(100) }, '🦊'.repeat(100)],
    ['with a NUL and quotes', { device_name: `a\0b"'\\` }, `a\0b"'\\`],
  ])('device name: %s', async (_, fields, expected) => {
    const { body } = await nobody().post('/sessions', {
      ...credentials(await addUser(stage.cloud)),
      ...fields,
    });
    const list = await new ApiCaller(stage.worker.visitor(), body.token).get('/sessions');
    expect(list.body.sessions.map((session) => session.device_name)).toEqual([expected]);
  });

  test('a cookie that comes along means nothing here, nor where the request says that it comes from', async () => {
    const user = await addUser(stage.cloud);
    const { visitor } = await seedVisitor(stage, user);
    const answer = await new ApiCaller(visitor).call('POST', '/sessions', {
      json: credentials(await addUser(stage.cloud)),
      headers: {
        Origin: 'https://app.example.net',
        'Sec-Fetch-Site': 'cross-site',
        'X-CSRFToken': undefined,
      },
    });
    expect(answer.status).toBe(201);
    expect(await visitor.isSignedIn()).toBe(true);
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toEqual([]);
  });

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json ; charset=utf-8'])(
    'as %s',
    async (type) => {
      const { status } = await nobody().call('POST', '/sessions', {
        json: credentials(await addUser(stage.cloud)),
        headers: { 'Content-Type': type },
      });
      expect(status).toBe(201);
    },
  );
});

describe('refuses', () => {
  test('wrong password, unknown name and inactive user alike', async () => {
    const user = await addUser(stage.cloud);
    const inactive = await addUser(stage.cloud, { isActive: false });
    const bodies = new Set<string>();
    for (const each of [
      { username: user.username, password: 'wrong' },
      { username: user.username, password: `${PASSWORD}\0` },
      { username: 'nobody-at-all', password: PASSWORD },
      { username: `${user.username}\0`, password: PASSWORD },
      { username: inactive.username, password: PASSWORD },
    ]) {
      const { status, body, setCookies } = await nobody().post('/sessions', each);
      expect(status).toBe(401);
      expect(setCookies).toEqual([]);
      bodies.add(JSON.stringify({ ...body, request_id: '' }));
    }
    expect(bodies.size).toBe(1);
    expect([...bodies][0]).toContain('"code":"bad_credentials"');
  });

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
    ['a device name that is none', ['device_name'], { username: 'ann', password: 'x', device_name: ['d'] }],
    ['a broken device name', ['device_name'], { username: 'ann', password: 'x', device_name: '\udfff' }],
  ])('%s: 400, each field named once', async (_, fields, json) => {
    const { status, body } = await nobody().post('/sessions', json);
    expect(status).toBe(400);
    expect(body.code).toBe('invalid_fields');
    expect(body.errors.map((error) => error.field)).toEqual(fields);
    for (const { message } of body.errors) expect(message).toMatch(/\w/);
  });

  test.each(['', '{', '{"username":', 'null', '[]', '"text"', '1', 'username=ann', '{"a":1}{}', '\0'])(
    'a body that is %j: 400',
    async (body) => expect((await nobody().call('POST', '/sessions', { body })).status).toBe(400),
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
    const json = credentials(await addUser(stage.cloud));
    const answer = await nobody().call('POST', '/sessions', { json, headers: { 'Content-Type': type } });
    expect(answer.status).toBe(415);
    expect(answer.body.code).toBe('unsupported_media_type');
  });

  test('a body over 64 KiB: 413', async () => {
    const { status } = await nobody().post('/sessions', { username: 'n'.repeat(65_536), password: 'x' });
    expect(status).toBe(413);
  });

  test('the eleventh try after ten failures, through either door: 429 with Retry-After', async () => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    const caller = new ApiCaller(visitor);
    const wrong = { username: user.username, password: 'wrong' };
    for (let i = 0; i < 7; i += 1) expect((await caller.post('/sessions', wrong)).status).toBe(401);
    for (let i = 0; i < 3; i += 1) expect((await visitor.trySignIn(wrong)).status).toBe(401);
    const { status, body, headers } = await caller.post('/sessions', credentials(user));
    expect(status).toBe(429);
    expect(body.code).toBe('throttled');
    expect(Number(headers.get('Retry-After'))).toBeLessThanOrEqual(900);
    // From elsewhere its owner still comes in.
    expect((await nobody().post('/sessions', credentials(user))).status).toBe(201);
    await stage.worker.delivered();
    const outcomes = (await loginRows(stage.cloud, user.username)).map((row) => row['outcome']);
    expect(outcomes).toEqual([...Array<string>(10).fill('bad_credentials'), 'throttled', 'success']);
  });
});

function credentials({ username, password }: { username: string; password: string }) {
  return { username, password };
}
