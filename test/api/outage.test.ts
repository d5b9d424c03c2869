import { describe, expect, test } from 'vitest';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { ApiCaller, type ApiAnswer } from '../support/api.ts';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

const ANSWER_DEADLINE_MS = 5000;

const OUTAGES: [string, Fault][] = [
  ['refused', { kind: 'refuse' }],
  ['hanging', { kind: 'hang' }],
  ['answering 500', { kind: 'status', status: 500 }],
  ['answering 401', { kind: 'status', status: 401 }],
  [
    'answering 200 with nonsense',
    { kind: 'status', status: 200, body: '<h1>Hi</h1>', contentType: 'text/html' },
  ],
  ['losing answers', { kind: 'lose-answer' }],
];

const bearer = (token?: string): ApiCaller => new ApiCaller(stage.worker.visitor(), token);

/** The answer, which must come in time. */
async function inTime(answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
  const startedAtMs = performance.now();
  const arrived = await answer;
  expect(performance.now() - startedAtMs, arrived.url).toBeLessThan(ANSWER_DEADLINE_MS);
  return arrived;
}

function expectUnavailable({ url, status, body, setCookies }: ApiAnswer): void {
  expect({ url, status, code: body.code, setCookies }).toEqual({
    url,
    status: 503,
    code: 'store_unavailable',
    setCookies: [],
  });
}

describe.each(OUTAGES)('Redis %s', (_, fault) => {
  test('reads say 503 and never 401; sign-outs say that the session may still be open', async () => {
    const user = await addUser(stage.cloud);
    const { token, session } = await seedSession(stage.cloud, user, { kind: 'bearer' });
    const { visitor } = await seedVisitor(stage, user);
    const app = bearer(token);
    const cookie = new ApiCaller(visitor);
    await stage.worker.delivered();
    stage.cloud.faults.set('redis', fault);
    const reads = ['/sessions/current', '/sessions', '/logouts'].flatMap((path) => [
      inTime(app.get(path)),
      inTime(cookie.get(path)),
    ]);
    const signOuts = [
      inTime(app.delete('/sessions/current')),
      inTime(app.delete(`/sessions/${session.id}`)),
      inTime(app.delete('/sessions?scope=others')),
      inTime(app.delete('/sessions?scope=all')),
      inTime(cookie.delete('/sessions/current')),
      inTime(cookie.delete('/sessions?scope=all')),
      inTime(cookie.delete('/sessions/current', { headers: { 'X-CSRFToken': undefined } })),
    ];
    const others = [
      inTime(bearer().post('/sessions', { username: user.username, password: PASSWORD })),
      inTime(app.put('/password', { current_password: PASSWORD, new_password: 'a new and long one' })),
    ];
    for (const answer of await Promise.all([...reads, ...others])) expectUnavailable(answer);
    for (const answer of await Promise.all(signOuts)) {
      expectUnavailable(answer);
      expect(answer.body.detail).toContain('session may still be open');
    }
    stage.cloud.faults.clear();
    await stage.cloud.settled();

    // Whatever was carried out: asked again, everything is ended, and each session has one row.
    await app.delete('/sessions?scope=all');
    await cookie.delete('/sessions/current');
    for (const each of [app, cookie]) expect((await each.get('/sessions/current')).status).toBe(401);
    await stage.worker.scheduled();
    await stage.worker.delivered();
    const rows = await logoutRows(stage.cloud, user);
    const known = new Set(rows.map((row) => row['session_id']));
    expect(known).toContain(session.id);
    expect(rows).toHaveLength(known.size);
    const { status } = await bearer().post('/sessions', { username: user.username, password: PASSWORD });
    expect(status).toBe(201);
  });
});

describe.each(OUTAGES)('MySQL %s', (_, fault) => {
  test('sessions work and end, their rows come later; the record and sign-ins say 503', async () => {
    const user = await addUser(stage.cloud);
    const app = bearer((await seedSession(stage.cloud, user, { kind: 'bearer' })).token);
    const other = await seedSession(stage.cloud, user);
    const third = await seedSession(stage.cloud, user);
    stage.cloud.faults.set('mysql', fault);
    for (const path of ['/sessions/current', '/sessions'])
      expect((await inTime(app.get(path))).status).toBe(200);
    const refused = await Promise.all([
      inTime(app.get('/logouts')),
      inTime(bearer().post('/sessions', { username: user.username, password: PASSWORD })),
      inTime(app.put('/password', { current_password: PASSWORD, new_password: 'a new and long one' })),
    ]);
    for (const answer of refused) expectUnavailable(answer);
    const receipts = [
      await inTime(app.delete(`/sessions/${other.session.id}`)),
      await inTime(app.delete('/sessions?scope=others')),
      await inTime(app.delete('/sessions/current')),
    ].flatMap((answer) => answer.body.logouts);
    expect(receipts.map((each) => each.reason)).toEqual(['revoked', 'logout_others', 'logout']);
    expect(receipts[1]?.session_id).toBe(third.session.id);

    await stage.cloud.settled();
    stage.cloud.faults.clear();
    await stage.worker.scheduled();
    await stage.worker.delivered();
    const rows = await logoutRows(stage.cloud, user);
    expect(new Set(rows.map((row) => row['id']))).toEqual(new Set(receipts.map((each) => each.id)));
    expect(rows).toHaveLength(3);
    // Neither the refused sign-in nor the refused change counts as a failure, and the password is the old one.
    const { status } = await bearer().post('/sessions', { username: user.username, password: PASSWORD });
    expect(status).toBe(201);
  });
});

test('the password changed, the answer about the sessions lost: said as what it is, and they end', async () => {
  const user = await addUser(stage.cloud);
  const app = bearer((await seedSession(stage.cloud, user, { kind: 'bearer' })).token);
  const other = await seedSession(stage.cloud, user, { kind: 'bearer' });
  stage.cloud.faults.set('redis', {
    kind: 'refuse',
    match: (call) =>
      call.store === 'redis' && call.commands.some((each) => each[1]?.includes("'renewed'") === true),
  });
  const answer = await inTime(
    app.put('/password', { current_password: PASSWORD, new_password: 'a new and long one' }),
  );
  expectUnavailable(answer);
  expect(answer.body.detail).toMatch(/password is changed/);
  stage.cloud.faults.clear();
  await expect.poll(async () => (await bearer(other.token).get('/sessions')).status).toBe(401);
  const { username } = user;
  expect((await bearer().post('/sessions', { username, password: PASSWORD })).status).toBe(401);
  const again = await bearer().post('/sessions', { username, password: 'a new and long one' });
  expect(again.status).toBe(201);
  await stage.worker.scheduled();
  await stage.worker.delivered();
  expect(await logoutRows(stage.cloud, user)).toMatchObject([{ reason: 'password_changed' }]);
});

describe('JSON that is none of the store is no answer either', () => {
  const nonsense = (body: string): Fault => ({ kind: 'status', status: 200, body });

  test('Redis: neither "signed out" nor "signed in"', async () => {
    const user = await addUser(stage.cloud);
    const app = bearer((await seedSession(stage.cloud, user, { kind: 'bearer' })).token);
    stage.cloud.faults.set('redis', nonsense('{"result":{"a":1}}'));
    for (const path of ['/sessions/current', '/sessions', '/logouts']) expectUnavailable(await app.get(path));
    for (const path of ['/sessions/current', '/sessions?scope=all'])
      expectUnavailable(await app.delete(path));
  });

  test('MySQL: neither "no such user" nor "no sign-outs"', async () => {
    const user = await addUser(stage.cloud);
    const app = bearer((await seedSession(stage.cloud, user, { kind: 'bearer' })).token);
    stage.cloud.faults.set('mysql', nonsense('{"a":1}'));
    expectUnavailable(await app.get('/logouts'));
    const { username } = user;
    expectUnavailable(await bearer().post('/sessions', { username, password: PASSWORD }));
  });
});
