import { describe, expect, test } from 'vitest';
import { ownCookies } from '../support/own-cookies.ts';
import { addUser, logoutRows } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { decodeEntities, type Answer, type Visitor } from '../support/visitor.ts';

const environment = useTestEnvironment();

const PATH = '/sessions/revoke/';
const SIGN_IN = '/sign-in/?next=%2Fsessions%2F';

/** Two browsers and an app of one user; the first browser has the page open. */
async function threeDevices() {
  const user = await addUser(environment.cloud);
  const own = await seedVisitor(environment, user);
  const other = await seedVisitor(environment, user);
  const app = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const page = await own.visitor.get('/sessions/');
  const press = (fields: Record<string, string>, headers?: Record<string, string | undefined>) =>
    own.visitor.post(PATH, { csrfmiddlewaretoken: page.csrfToken ?? '', ...fields }, headers);
  return { user, own, other, app, press };
}

async function isAppOpen({ token }: { token: string }): Promise<boolean> {
  const headers = { Authorization: `Bearer ${token}` };
  return (await environment.worker.visitor().get('/api/v1/sessions/current', headers)).status === 200;
}

async function reasons(user: Awaited<ReturnType<typeof addUser>>): Promise<unknown[]> {
  await environment.worker.delivered();
  return (await logoutRows(environment.cloud, user)).map((row) => row['reason']);
}

async function expectSignedOut(response: Answer, visitor: Visitor): Promise<void> {
  expect(response).toMatchObject({ status: 303, location: '/' });
  const cookies = ownCookies(response.setCookies);
  expect(cookies.map((each) => each.split('=')[0])).toEqual(['csrftoken', 'sessionid']);
  for (const each of cookies) expect(each).toMatch(/=; Max-Age=0; Expires=Thu, 01 Jan 1970/);
  expect(await visitor.cookie('sessionid')).toBeUndefined();
}

test('an id ends that session and leads back to the list, which confirms it', async () => {
  const { user, own, other, app, press } = await threeDevices();
  const response = await press({ id: other.session.id });
  expect(response).toMatchObject({ status: 303, setCookies: [] });
  expect(response.location).toMatch(/^\/sessions\//);
  expect((await own.visitor.get(response.location ?? '')).body).toContain('role="status"');
  expect(await other.visitor.get('/home/')).toMatchObject({
    status: 302,
    location: '/sign-in/?next=%2Fhome%2F',
  });
  expect(await isAppOpen(app)).toBe(true);
  expect(await reasons(user)).toEqual(['revoked']);
  expect(await logoutRows(environment.cloud, user)).toMatchObject([
    { session_id: other.session.id, ip_address: own.visitor.ipAddress },
  ]);
});

test("the session's own id signs it out", async () => {
  const { user, own, other, press } = await threeDevices();
  await expectSignedOut(await press({ id: own.session.id }), own.visitor);
  expect(await other.visitor.isSignedIn()).toBe(true);
  expect(await reasons(user)).toEqual(['logout']);
});

test('others ends all sessions but this one', async () => {
  const { user, own, other, app, press } = await threeDevices();
  expect(await press({ scope: 'others' })).toMatchObject({ status: 303, setCookies: [] });
  expect(await own.visitor.isSignedIn()).toBe(true);
  expect(await other.visitor.isSignedIn()).toBe(false);
  expect(await isAppOpen(app)).toBe(false);
  expect(await reasons(user)).toEqual(['logout_others', 'logout_others']);
  // Nothing left to end is no error.
  expect((await press({ scope: 'others' })).status).toBe(303);
  expect(await reasons(user)).toHaveLength(2);
});

test('all signs out everywhere', async () => {
  const { user, own, other, app, press } = await threeDevices();
  await expectSignedOut(await press({ scope: 'all' }), own.visitor);
  expect(await other.visitor.isSignedIn()).toBe(false);
  expect(await isAppOpen(app)).toBe(false);
  expect(await reasons(user)).toEqual(['logout_all', 'logout_all', 'logout_all']);
});

test("another user's id and an unknown one: the list says the same, and nothing changes", async () => {
  const mine = await threeDevices();
  const theirs = await threeDevices();
  const bodies = new Set<string>();
  for (const id of [theirs.other.session.id, '0'.repeat(26), 'others', 'x', theirs.other.tokenHash]) {
    const response = await mine.press({ id });
    expect(response.status, id).toBe(303);
    bodies.add(response.location ?? '');
  }
  expect(bodies.size).toBe(1);
  const [location = ''] = bodies;
  expect(decodeEntities((await mine.own.visitor.get(location)).body)).toContain(
    "That device isn't signed in to your account.",
  );
  expect(await theirs.other.visitor.isSignedIn()).toBe(true);
  expect(await mine.own.visitor.isSignedIn()).toBe(true);
  expect(await reasons(theirs.user)).toEqual([]);
});

describe('the same button pressed twice', () => {
  const twice = async (press: () => Promise<Answer>) => {
    const [first, second] = await Promise.all([press(), press()]);
    const third = await press();
    for (const copy of [second, third])
      expect({ status: copy.status, location: copy.location }).toEqual({
        status: first.status,
        location: first.location,
      });
  };

  test('a device: signed out, each time, in one row', async () => {
    const { user, other, own, press } = await threeDevices();
    await twice(() => press({ id: other.session.id }));
    expect(await reasons(user)).toEqual(['revoked']);
    expect(await own.visitor.isSignedIn()).toBe(true);
  });

  test.each(['own', 'all'])('%s: signed out here, each time', async (what) => {
    const { user, own, press } = await threeDevices();
    const Cookie = await own.visitor.jar.getCookieString(own.visitor.origin);
    const fields: Record<string, string> = what === 'own' ? { id: own.session.id } : { scope: 'all' };
    await twice(() => press(fields, { Cookie }));
    expect(await reasons(user)).toHaveLength(what === 'own' ? 1 : 3);
  });
});

test.each<[string, Record<string, string>]>([
  ['neither field', {}],
  ['both fields', { id: '0'.repeat(26), scope: 'others' }],
  ['another scope', { scope: 'everything' }],
  ['an empty scope', { scope: '' }],
  ['too long an id', { id: 'x'.repeat(2000) }],
])('%s: 400, and nothing changes', async (_, fields) => {
  const { own, other, press } = await threeDevices();
  expect((await press(fields)).status).toBe(400);
  const json = await press(fields, { Accept: 'application/json' });
  expect(json.status).toBe(400);
  expect(JSON.parse(json.body)).toMatchObject({ code: 'invalid_fields', errors: [{}] });
  expect(await own.visitor.isSignedIn()).toBe(true);
  expect(await other.visitor.isSignedIn()).toBe(true);
});

describe('the CSRF token', () => {
  test.each<[string, Record<string, string>, Record<string, string | undefined>]>([
    ['missing', { csrfmiddlewaretoken: '' }, {}],
    ['malformed', { csrfmiddlewaretoken: 'x'.repeat(34) }, {}],
    ['right, from another origin', {}, { Origin: 'https://evil.example' }],
    ['right, from another site', {}, { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s: 403, and nothing changes', async (_, fields, headers) => {
    const { own, other, press } = await threeDevices();
    for (const what of [{ scope: 'all' }, { id: other.session.id }, {}] as Record<string, string>[]) {
      const response = await press({ ...what, ...fields }, headers);
      expect(response).toMatchObject({ status: 403, setCookies: [] });
    }
    expect(await own.visitor.isSignedIn()).toBe(true);
    expect(await other.visitor.isSignedIn()).toBe(true);
  });

  test('is not asked for without an open session: to the sign-in page, and back to the list', async () => {
    const anonymous = environment.worker.visitor();
    expect(await anonymous.post(PATH, { scope: 'all' })).toMatchObject({ status: 303, location: SIGN_IN });
    const { own, press, other } = await threeDevices();
    const { token } = own;
    await own.visitor.logOut();
    await own.visitor.setCookie(`sessionid=${token}; Path=/; Secure`);
    expect(await press({ scope: 'all' })).toMatchObject({ status: 303, location: SIGN_IN });
    expect(await other.visitor.isSignedIn()).toBe(true);
  });
});
