import { describe, expect, test } from 'vitest';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { addUser, eventually, logoutRows, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor, type SeededSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Answer, Visitor } from '../support/visitor.ts';
import { END, END_OTHERS, REFRESH, RENEW, REVOKE } from '../../src/session/scripts.ts';
import { runsScript } from '../support/scripts.ts';
import { openSessions } from './store-state.ts';

const environment = useTestEnvironment();

/** Longer than the Worker waits for a reply. */
const LATE_MS = 2500;

const isSignOut = (call: CallContent): boolean => runsScript(call, END, REVOKE, RENEW, END_OTHERS);

interface SignOut {
  readonly name: string;
  readonly send: (setup: Setup) => Promise<Answer>;
  readonly confirmed: number;
  /** What a retry gets if the first request was carried out. */
  readonly alreadyDone: number;
  readonly ownReason?: string;
  readonly otherReason?: string;
}

interface Setup {
  readonly user: TestUser;
  readonly browser: SeededSession & { visitor: Visitor };
  readonly app: SeededSession;
}

const post =
  (path: string, fields: (setup: Setup) => Record<string, string> = () => ({})) =>
  async (setup: Setup): Promise<Answer> => {
    const { visitor } = setup.browser;
    return visitor.post(path, fields(setup), { 'X-CSRFToken': await visitor.cookie('csrftoken') });
  };
/** The browser's script sends it, so that the same session is used throughout. */
const remove =
  (path: (setup: Setup) => string) =>
  async (setup: Setup): Promise<Answer> => {
    const { visitor } = setup.browser;
    return visitor.request(`/api/v1/sessions${path(setup)}`, {
      method: 'DELETE',
      headers: { 'X-CSRFToken': await visitor.cookie('csrftoken') },
    });
  };

const SIGN_OUTS: readonly SignOut[] = [
  { name: 'logout', send: post('/logout/'), confirmed: 303, alreadyDone: 303, ownReason: 'logout' },
  {
    name: 'revoking one',
    send: post('/sessions/revoke/', ({ app }) => ({ id: app.session.id })),
    confirmed: 303,
    alreadyDone: 303,
    otherReason: 'revoked',
  },
  {
    name: 'revoking others',
    send: post('/sessions/revoke/', () => ({ scope: 'others' })),
    confirmed: 303,
    alreadyDone: 303,
    otherReason: 'logout_others',
  },
  {
    name: 'revoking all',
    send: post('/sessions/revoke/', () => ({ scope: 'all' })),
    confirmed: 303,
    alreadyDone: 303,
    ownReason: 'logout_all',
    otherReason: 'logout_all',
  },
  {
    name: 'DELETE current',
    send: remove(() => '/current'),
    confirmed: 200,
    alreadyDone: 200,
    ownReason: 'logout',
  },
  {
    name: 'DELETE by id',
    send: remove(({ app }) => `/${app.session.id}`),
    confirmed: 200,
    alreadyDone: 404,
    otherReason: 'revoked',
  },
  {
    name: 'DELETE all',
    send: remove(() => '?scope=all'),
    confirmed: 200,
    alreadyDone: 401,
    ownReason: 'logout_all',
    otherReason: 'logout_all',
  },
];

async function setUp(): Promise<Setup> {
  const user = await addUser(environment.cloud);
  const browser = await seedVisitor(environment, user);
  return { user, browser, app: await seedSession(environment.cloud, user, { kind: 'bearer' }) };
}

/** Each session that this request ends is ended and has one row; the others are open and have none. */
async function expectEndedOnce(setup: Setup, { ownReason, otherReason }: SignOut): Promise<void> {
  await environment.worker.scheduled();
  await environment.worker.delivered();
  const { user, browser, app } = setup;
  const ended = [
    [browser.session.id, ownReason],
    [app.session.id, otherReason],
  ].filter(([, reason]) => reason !== undefined);
  const rows = await logoutRows(environment.cloud, user);
  expect(rows.map((row) => [row['session_id'], row['reason']]).sort()).toEqual(ended.sort());
  const open = [browser, app].map(({ session }) => session.id).filter((id) => !ended.some(([e]) => e === id));
  expect((await openSessions(environment.cloud, user.id)).sort()).toEqual(open.sort());
}

/** Sent twice at once, as by a double click: 503 that says what may be open, and the cookies stay. */
async function expectUnconfirmed(setup: Setup, signOut: SignOut): Promise<void> {
  for (const response of await Promise.all([signOut.send(setup), signOut.send(setup)])) {
    expect(response.status, response.body).toBe(503);
    expect(response.body).toContain('session may still be open');
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(response.setCookies).toEqual([]);
  }
  expect(await setup.browser.visitor.cookie('sessionid')).toBe(setup.browser.token);
}

describe.each(SIGN_OUTS)('$name', (signOut) => {
  test.each<[string, Fault]>([
    ['lost once', { kind: 'lose-answer', match: isSignOut, times: 1 }],
    ['lost twice', { kind: 'lose-answer', match: isSignOut, times: 2 }],
  ])('a reply %s: the retry gets the first reply again', async (_, fault) => {
    const setup = await setUp();
    environment.cloud.faults.set('redis', fault);
    const response = await signOut.send(setup);
    expect(response.status, response.body).toBe(signOut.confirmed);
    if (response.headers.get('Content-Type') === 'application/json') {
      const ended = [signOut.ownReason, signOut.otherReason].filter((reason) => reason !== undefined);
      const receipt = JSON.parse(response.body) as { revoked: number; logouts: { id: string }[] };
      expect(receipt.revoked).toBe(ended.length);
      await environment.worker.delivered();
      const rows = await logoutRows(environment.cloud, setup.user);
      expect(rows.map((row) => row['id']).sort()).toEqual(receipt.logouts.map(({ id }) => id).sort());
    }
    await expectEndedOnce(setup, signOut);
  });

  test.each<[string, Fault, boolean]>([
    ['each reply lost', { kind: 'lose-answer', match: isSignOut }, true],
    ['never carried out', { kind: 'refuse', match: isSignOut }, false],
  ])('%s: not confirmed, retried until it is, recorded once', async (_, fault, isDone) => {
    const setup = await setUp();
    environment.cloud.faults.set('redis', fault);
    await expectUnconfirmed(setup, signOut);
    environment.cloud.faults.clear();
    await environment.cloud.settled();
    const retry = await signOut.send(setup);
    expect(retry.status, retry.body).toBe(isDone ? signOut.alreadyDone : signOut.confirmed);
    await expectEndedOnce(setup, signOut);
  });
});

test('sign-outs that are carried out later: not confirmed, then done, recorded once', async () => {
  const cases = await Promise.all(SIGN_OUTS.map(async (signOut) => ({ signOut, setup: await setUp() })));
  environment.cloud.faults.set('redis', { kind: 'late', ms: LATE_MS, match: isSignOut });
  await Promise.all(cases.map(({ signOut, setup }) => expectUnconfirmed(setup, signOut)));
  environment.cloud.faults.clear();
  await environment.cloud.settled();
  for (const { signOut, setup } of cases) {
    const retry = await signOut.send(setup);
    expect(retry.status, `${signOut.name}: ${retry.body}`).toBe(signOut.alreadyDone);
    await expectEndedOnce(setup, signOut);
  }
});

test('a logout that arrives after its retry changes nothing', async () => {
  const { user, browser } = await setUp();
  const { visitor, session } = browser;
  environment.cloud.faults.set('redis', { kind: 'late', ms: LATE_MS, match: isSignOut, times: 1 });
  const csrf = { 'X-CSRFToken': await visitor.cookie('csrftoken') };
  expect((await visitor.post('/logout/', {}, csrf)).status).toBe(503);
  // Before the first one arrives; the fault was injected once.
  expect((await visitor.post('/logout/', {}, csrf)).status).toBe(303);
  await visitor.signIn(user);
  const [before] = (await openSessions(environment.cloud, user.id)).slice(-1);
  await environment.cloud.settled();
  expect(await visitor.isSignedIn()).toBe(true);
  expect(await openSessions(environment.cloud, user.id)).toContain(before);
  await environment.worker.scheduled();
  await environment.worker.delivered();
  const rows = await logoutRows(environment.cloud, user);
  expect(rows.map((row) => [row['session_id'], row['reason']])).toEqual([[session.id, 'logout']]);
});

test('a refresh that arrives after the logout does not bring the session back', async () => {
  const user = await addUser(environment.cloud);
  const tenMinutesAgo = Date.now() - 600_000;
  const { visitor } = await seedVisitor(environment, user);
  const old = await seedSession(environment.cloud, user, {
    kind: 'cookie',
    createdAtMs: tenMinutesAgo,
    lastSeenAtMs: tenMinutesAgo,
  });
  await visitor.setCookie(`sessionid=${old.token}; Path=/; Secure; HttpOnly`);
  const isRefresh = (call: CallContent): boolean => runsScript(call, REFRESH);
  environment.cloud.faults.set('redis', { kind: 'late', ms: 800, match: isRefresh, times: 1 });
  const home = await visitor.get('/home/');
  expect(home.status).toBe(200);
  expect((await visitor.submit(home)).status).toBe(303);
  await environment.cloud.settled();
  await eventually(() => {
    expect(environment.cloud.calls.filter((call) => call.fault === 'late')).not.toEqual([]);
  });
  expect(await openSessions(environment.cloud, user.id)).not.toContain(old.session.id);
  await visitor.setCookie(`sessionid=${old.token}; Path=/; Secure; HttpOnly`);
  expect(await visitor.isSignedIn()).toBe(false);
});
