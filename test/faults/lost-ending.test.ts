import { describe, expect, test } from 'vitest';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { addUser, eventually, logoutRows, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor, type SeededSession } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';
import type { Answer, Visitor } from '../support/visitor.ts';
import { END, END_OTHERS, REFRESH, RENEW, REVOKE } from '../../src/session/scripts.ts';
import { runsScript } from '../support/scripts.ts';
import { openSessions } from './store-state.ts';

const stage = useStage();

/** Longer than the Worker waits for an answer. */
const LATE_MS = 2500;

const isEnding = (call: CallContent): boolean => runsScript(call, END, REVOKE, RENEW, END_OTHERS);

interface Operation {
  readonly name: string;
  readonly send: (scene: Scene) => Promise<Answer>;
  readonly confirmed: number;
  /** What a repetition gets where the first one was carried out. */
  readonly doneAlready: number;
  readonly ownReason?: string;
  readonly otherReason?: string;
}

interface Scene {
  readonly user: TestUser;
  readonly browser: SeededSession & { visitor: Visitor };
  readonly app: SeededSession;
}

const post =
  (path: string, fields: (scene: Scene) => Record<string, string> = () => ({})) =>
  async (scene: Scene): Promise<Answer> => {
    const { visitor } = scene.browser;
    return visitor.post(path, fields(scene), { 'X-CSRFToken': await visitor.cookie('csrftoken') });
  };
/** Asked by the browser's script, so that the same session asks throughout. */
const remove =
  (path: (scene: Scene) => string) =>
  async (scene: Scene): Promise<Answer> => {
    const { visitor } = scene.browser;
    return visitor.request(`/api/v1/sessions${path(scene)}`, {
      method: 'DELETE',
      headers: { 'X-CSRFToken': await visitor.cookie('csrftoken') },
    });
  };

const ENDINGS: readonly Operation[] = [
  { name: 'logout', send: post('/logout/'), confirmed: 303, doneAlready: 303, ownReason: 'logout' },
  {
    name: 'revoking one',
    send: post('/sessions/revoke/', ({ app }) => ({ id: app.session.id })),
    confirmed: 303,
    doneAlready: 404,
    otherReason: 'revoked',
  },
  {
    name: 'revoking others',
    send: post('/sessions/revoke/', () => ({ scope: 'others' })),
    confirmed: 303,
    doneAlready: 303,
    otherReason: 'logout_others',
  },
  {
    name: 'revoking all',
    send: post('/sessions/revoke/', () => ({ scope: 'all' })),
    confirmed: 303,
    doneAlready: 303,
    ownReason: 'logout_all',
    otherReason: 'logout_all',
  },
  {
    name: 'DELETE current',
    send: remove(() => '/current'),
    confirmed: 200,
    doneAlready: 200,
    ownReason: 'logout',
  },
  {
    name: 'DELETE by id',
    send: remove(({ app }) => `/${app.session.id}`),
    confirmed: 200,
    doneAlready: 404,
    otherReason: 'revoked',
  },
  {
    name: 'DELETE all',
    send: remove(() => '?scope=all'),
    confirmed: 200,
    doneAlready: 401,
    ownReason: 'logout_all',
    otherReason: 'logout_all',
  },
];

async function openScene(): Promise<Scene> {
  const user = await addUser(stage.cloud);
  const browser = await seedVisitor(stage, user);
  return { user, browser, app: await seedSession(stage.cloud, user, { kind: 'bearer' }) };
}

/** One row for each session that this operation ends, none for the other, and no more than that is ended. */
async function expectEndedOnce(scene: Scene, { ownReason, otherReason }: Operation): Promise<void> {
  await stage.worker.scheduled();
  await stage.worker.delivered();
  const { user, browser, app } = scene;
  const ended = [
    [browser.session.id, ownReason],
    [app.session.id, otherReason],
  ].filter(([, reason]) => reason !== undefined);
  const rows = await logoutRows(stage.cloud, user);
  expect(rows.map((row) => [row['session_id'], row['reason']]).sort()).toEqual(ended.sort());
  const open = [browser, app].map(({ session }) => session.id).filter((id) => !ended.some(([e]) => e === id));
  expect((await openSessions(stage.cloud, user.id)).sort()).toEqual(open.sort());
}

/** Pressed twice, as people do: 503 that says what is the matter, and the cookies are kept. */
async function expectUnconfirmed(scene: Scene, operation: Operation): Promise<void> {
  for (const answer of await Promise.all([operation.send(scene), operation.send(scene)])) {
    expect(answer.status, answer.body).toBe(503);
    expect(answer.body).toContain('session may still be open');
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(answer.setCookies).toEqual([]);
  }
  expect(await scene.browser.visitor.cookie('sessionid')).toBe(scene.browser.token);
}

describe.each(ENDINGS)('$name', (operation) => {
  test.each<[string, Fault]>([
    ['lost once', { kind: 'lose-answer', match: isEnding, times: 1 }],
    ['lost twice', { kind: 'lose-answer', match: isEnding, times: 2 }],
  ])('an answer %s: the retry tells the first answer again', async (_, fault) => {
    const scene = await openScene();
    stage.cloud.faults.set('redis', fault);
    const answer = await operation.send(scene);
    expect(answer.status, answer.body).toBe(operation.confirmed);
    if (answer.headers.get('Content-Type') === 'application/json') {
      const ended = [operation.ownReason, operation.otherReason].filter((reason) => reason !== undefined);
      const receipt = JSON.parse(answer.body) as { revoked: number; logouts: { id: string }[] };
      expect(receipt.revoked).toBe(ended.length);
      await stage.worker.delivered();
      const rows = await logoutRows(stage.cloud, scene.user);
      expect(rows.map((row) => row['id']).sort()).toEqual(receipt.logouts.map(({ id }) => id).sort());
    }
    await expectEndedOnce(scene, operation);
  });

  test.each<[string, Fault, boolean]>([
    ['each answer lost', { kind: 'lose-answer', match: isEnding }, true],
    ['never carried out', { kind: 'refuse', match: isEnding }, false],
  ])('%s: not confirmed, repeated until it is, recorded once', async (_, fault, isDone) => {
    const scene = await openScene();
    stage.cloud.faults.set('redis', fault);
    await expectUnconfirmed(scene, operation);
    stage.cloud.faults.clear();
    await stage.cloud.settled();
    const again = await operation.send(scene);
    expect(again.status, again.body).toBe(isDone ? operation.doneAlready : operation.confirmed);
    await expectEndedOnce(scene, operation);
  });
});

test('endings that are carried out later: not confirmed, then done, recorded once', async () => {
  const cases = await Promise.all(
    ENDINGS.map(async (operation) => ({ operation, scene: await openScene() })),
  );
  stage.cloud.faults.set('redis', { kind: 'late', ms: LATE_MS, match: isEnding });
  await Promise.all(cases.map(({ operation, scene }) => expectUnconfirmed(scene, operation)));
  stage.cloud.faults.clear();
  await stage.cloud.settled();
  for (const { operation, scene } of cases) {
    const again = await operation.send(scene);
    expect(again.status, `${operation.name}: ${again.body}`).toBe(operation.doneAlready);
    await expectEndedOnce(scene, operation);
  }
});

test('a logout that arrives after it was repeated changes nothing any more', async () => {
  const { user, browser } = await openScene();
  const { visitor, session } = browser;
  stage.cloud.faults.set('redis', { kind: 'late', ms: LATE_MS, match: isEnding, times: 1 });
  const csrf = { 'X-CSRFToken': await visitor.cookie('csrftoken') };
  expect((await visitor.post('/logout/', {}, csrf)).status).toBe(503);
  // Before the first one arrives: the fault struck once.
  expect((await visitor.post('/logout/', {}, csrf)).status).toBe(303);
  await visitor.signIn(user);
  const [before] = (await openSessions(stage.cloud, user.id)).slice(-1);
  await stage.cloud.settled();
  expect(await visitor.isSignedIn()).toBe(true);
  expect(await openSessions(stage.cloud, user.id)).toContain(before);
  await stage.worker.scheduled();
  await stage.worker.delivered();
  const rows = await logoutRows(stage.cloud, user);
  expect(rows.map((row) => [row['session_id'], row['reason']])).toEqual([[session.id, 'logout']]);
});

test('a refresh that arrives after the logout does not bring the session back', async () => {
  const user = await addUser(stage.cloud);
  const tenMinutesAgo = Date.now() - 600_000;
  const { visitor } = await seedVisitor(stage, user);
  const old = await seedSession(stage.cloud, user, {
    kind: 'cookie',
    createdAtMs: tenMinutesAgo,
    lastSeenAtMs: tenMinutesAgo,
  });
  await visitor.setCookie(`sessionid=${old.token}; Path=/; Secure; HttpOnly`);
  const isRefresh = (call: CallContent): boolean => runsScript(call, REFRESH);
  stage.cloud.faults.set('redis', { kind: 'late', ms: 800, match: isRefresh, times: 1 });
  const home = await visitor.get('/home/');
  expect(home.status).toBe(200);
  expect((await visitor.submit(home)).status).toBe(303);
  await stage.cloud.settled();
  await eventually(() => {
    expect(stage.cloud.calls.filter((call) => call.fault === 'late')).not.toEqual([]);
  });
  expect(await openSessions(stage.cloud, user.id)).not.toContain(old.session.id);
  await visitor.setCookie(`sessionid=${old.token}; Path=/; Secure; HttpOnly`);
  expect(await visitor.isSignedIn()).toBe(false);
});
