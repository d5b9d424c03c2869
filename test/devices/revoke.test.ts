import { describe, expect, test } from 'vitest';
import { ONE_REDIS_COMMAND } from '../../tools/budgets.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { ownCookies } from '../support/own-cookies.ts';
import { addUser, logoutRows } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';
import { storeCost } from '../support/store-cost.ts';
import type { Answer, Visitor } from '../support/visitor.ts';

const stage = useStage();

const PATH = '/sessions/revoke/';
const SIGN_IN = '/sign-in/?next=%2Fsessions%2F';

/** Two browsers and an app of one user; the first browser is looking at the page. */
async function lookingAtThree() {
  const user = await addUser(stage.cloud);
  const own = await seedVisitor(stage, user);
  const other = await seedVisitor(stage, user);
  const app = await seedSession(stage.cloud, user, { kind: 'bearer' });
  const page = await own.visitor.get('/sessions/');
  const press = (fields: Record<string, string>, headers?: Record<string, string | undefined>) =>
    own.visitor.post(PATH, { csrfmiddlewaretoken: page.csrfToken ?? '', ...fields }, headers);
  return { user, own, other, app, press };
}

async function isAppOpen({ token }: { token: string }): Promise<boolean> {
  const headers = { Authorization: `Bearer ${token}` };
  return (await stage.worker.visitor().get('/api/v1/sessions/current', headers)).status === 200;
}

async function reasons(user: Awaited<ReturnType<typeof addUser>>): Promise<unknown[]> {
  await stage.worker.delivered();
  return (await logoutRows(stage.cloud, user)).map((row) => row['reason']);
}

async function expectSignedOut(answer: Answer, visitor: Visitor): Promise<void> {
  expect(answer).toMatchObject({ status: 303, location: '/' });
  const cookies = ownCookies(answer.setCookies);
  expect(cookies.map((each) => each.split('=')[0])).toEqual(['csrftoken', 'sessionid']);
  for (const each of cookies) expect(each).toMatch(/=; Max-Age=0; Expires=Thu, 01 Jan 1970/);
  expect(await visitor.cookie('sessionid')).toBeUndefined();
}

test('an id ends that session and comes back to the list, which says so', async () => {
  const { user, own, other, app, press } = await lookingAtThree();
  const answer = await press({ id: other.session.id });
  expect(answer).toMatchObject({ status: 303, setCookies: [] });
  expect(answer.location).toMatch(/^\/sessions\//);
  expect((await own.visitor.get(answer.location ?? '')).body).toContain('role="status"');
  expect(await other.visitor.get('/home/')).toMatchObject({
    status: 302,
    location: '/sign-in/?next=%2Fhome%2F',
  });
  expect(await isAppOpen(app)).toBe(true);
  expect(await reasons(user)).toEqual(['revoked']);
  expect(await logoutRows(stage.cloud, user)).toMatchObject([
    { session_id: other.session.id, ip_address: own.visitor.ipAddress },
  ]);
});

test("one's own id is a logout", async () => {
  const { user, own, other, press } = await lookingAtThree();
  await expectSignedOut(await press({ id: own.session.id }), own.visitor);
  expect(await other.visitor.isSignedIn()).toBe(true);
  expect(await reasons(user)).toEqual(['logout']);
});

test('others ends all but this one', async () => {
  const { user, own, other, app, press } = await lookingAtThree();
  expect(await press({ scope: 'others' })).toMatchObject({ status: 303, setCookies: [] });
  expect(await own.visitor.isSignedIn()).toBe(true);
  expect(await other.visitor.isSignedIn()).toBe(false);
  expect(await isAppOpen(app)).toBe(false);
  expect(await reasons(user)).toEqual(['logout_others', 'logout_others']);
  // Once more there is nothing left to end, which is no error.
  expect((await press({ scope: 'others' })).status).toBe(303);
  expect(await reasons(user)).toHaveLength(2);
});

test('all is a logout everywhere', async () => {
  const { user, own, other, app, press } = await lookingAtThree();
  await expectSignedOut(await press({ scope: 'all' }), own.visitor);
  expect(await other.visitor.isSignedIn()).toBe(false);
  expect(await isAppOpen(app)).toBe(false);
  expect(await reasons(user)).toEqual(['logout_all', 'logout_all', 'logout_all']);
});

test("another user's id and an unknown one: the same 404, and nothing changes", async () => {
  const mine = await lookingAtThree();
  const theirs = await lookingAtThree();
  const bodies = new Set<string>();
  for (const id of [theirs.other.session.id, '0'.repeat(26), 'others', 'x', theirs.other.tokenHash]) {
    const answer = await mine.press({ id });
    expect(answer.status, id).toBe(404);
    bodies.add(answer.body.replace(/Request [\w-]+/, ''));
  }
  expect(bodies.size).toBe(1);
  expect(await theirs.other.visitor.isSignedIn()).toBe(true);
  expect(await mine.own.visitor.isSignedIn()).toBe(true);
  expect(await reasons(theirs.user)).toEqual([]);
});

test.each<[string, Record<string, string>]>([
  ['neither field', {}],
  ['both fields', { id: '0'.repeat(26), scope: 'others' }],
  ['another scope', { scope: 'everything' }],
  ['an empty scope', { scope: '' }],
  ['too long an id', { id: 'x'.repeat(2000) }],
])('%s: 400, and nothing changes', async (_, fields) => {
  const { own, other, press } = await lookingAtThree();
  expect((await press(fields)).status).toBe(400);
  const json = await press(fields, { Accept: 'application/json' });
  expect(json.status).toBe(400);
  expect(JSON.parse(json.body)).toMatchObject({ code: 'invalid_fields', errors: [{}] });
  expect(await own.visitor.isSignedIn()).toBe(true);
  expect(await other.visitor.isSignedIn()).toBe(true);
});

describe('the token', () => {
  test.each<[string, Record<string, string>, Record<string, string | undefined>]>([
    ['missing', { csrfmiddlewaretoken: '' }, {}],
    ['malformed', { csrfmiddlewaretoken: 'x'.repeat(34) }, {}],
    ['right, from another origin', {}, { Origin: 'https://evil.example' }],
    ['right, from another site', {}, { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s: 403, and nothing changes', async (_, fields, headers) => {
    const { own, other, press } = await lookingAtThree();
    for (const what of [{ scope: 'all' }, { id: other.session.id }, {}] as Record<string, string>[]) {
      const answer = await press({ ...what, ...fields }, headers);
      expect(answer).toMatchObject({ status: 403, setCookies: [] });
    }
    expect(await own.visitor.isSignedIn()).toBe(true);
    expect(await other.visitor.isSignedIn()).toBe(true);
  });

  test('without a session, or with one that was ended, leads to the sign-in page and back to the list', async () => {
    const nobody = stage.worker.visitor();
    expect(await nobody.post(PATH, { scope: 'all' })).toMatchObject({ status: 303, location: SIGN_IN });
    const { own, press, other } = await lookingAtThree();
    const { token } = own;
    await own.visitor.logOut();
    await own.visitor.setCookie(`sessionid=${token}; Path=/; Secure`);
    expect(await press({ scope: 'all' })).toMatchObject({ status: 303, location: SIGN_IN });
    expect(await other.visitor.isSignedIn()).toBe(true);
  });
});

test.each<
  [
    string,
    (of: { own: { session: { id: string } }; other: { session: { id: string } } }) => Record<string, string>,
  ]
>([
  ['another', ({ other }) => ({ id: other.session.id })],
  ["one's own", ({ own }) => ({ id: own.session.id })],
  ['others', () => ({ scope: 'others' })],
  ['all', () => ({ scope: 'all' })],
])('%s: one wait', async (_, fieldsOf) => {
  const three = await lookingAtThree();
  const { cost, answer } = await storeCost(stage, () => three.press(fieldsOf(three)));
  expect({ status: answer.status, before: cost.before }).toEqual({ status: 303, before: ONE_REDIS_COMMAND });
});

test.each<[string, Fault]>([
  ['refused', { kind: 'refuse' }],
  ['hanging', { kind: 'hang' }],
  ['losing answers', { kind: 'lose-answer' }],
])('Redis %s: 503, the cookies kept, and said that the session may still be open', async (_, fault) => {
  const { user, own, other, press } = await lookingAtThree();
  stage.cloud.faults.set('redis', fault);
  const answers = await Promise.all([press({ id: other.session.id }), press({ scope: 'others' })]);
  for (const { status, headers, setCookies, body } of answers) {
    expect({ status, setCookies }).toEqual({ status: 503, setCookies: [] });
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(body).toContain('session may still be open');
  }
  stage.cloud.faults.clear();
  await stage.cloud.settled();
  expect((await press({ scope: 'others' })).status).toBe(303);
  expect(await own.visitor.isSignedIn()).toBe(true);
  await stage.worker.scheduled();
  expect(await reasons(user)).toHaveLength(2);
});

test('Redis out, and the form too old to have a token that counts: said just the same', async () => {
  const { press } = await lookingAtThree();
  stage.cloud.faults.set('redis', { kind: 'refuse' });
  const { status, body } = await press({ scope: 'all', csrfmiddlewaretoken: '' });
  expect(status).toBe(503);
  expect(body).toContain('session may still be open');
});
