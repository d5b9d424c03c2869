import { expect, test } from 'vitest';
import { RENEW } from '../../src/session/scripts.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { ApiCaller, type ApiAnswer } from '../support/api.ts';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { runsScript } from '../support/scripts.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

// The other outages of each route are in test/faults/. A store that no longer accepts our credentials looks like a 401.

const environment = useTestEnvironment();

const REJECTS_US: Fault = { kind: 'status', status: 401 };
const NEW_PASSWORD = 'a new and long one';

const bearer = (token?: string): ApiCaller => new ApiCaller(environment.worker.visitor(), token);
const signIn = (username: string, password = PASSWORD) => bearer().post('/sessions', { username, password });
const changePassword = (app: ApiCaller) =>
  app.put('/password', { current_password: PASSWORD, new_password: NEW_PASSWORD });

async function deliverAll(): Promise<void> {
  await environment.cloud.settled();
  environment.cloud.faults.clear();
  await environment.worker.scheduled();
  await environment.worker.delivered();
}

function expectUnavailable({ url, status, body, setCookies }: ApiAnswer): void {
  expect({ url, status, code: body.code, setCookies }).toEqual({
    url,
    status: 503,
    code: 'store_unavailable',
    setCookies: [],
  });
}

test('Redis rejects us: reads are 503 and never 401, and a session may still be open', async () => {
  const user = await addUser(environment.cloud);
  const { token, session } = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const { visitor } = await seedVisitor(environment, user);
  const app = bearer(token);
  const cookie = new ApiCaller(visitor);
  await environment.worker.delivered();
  environment.cloud.faults.set('redis', REJECTS_US);
  const reads = ['/sessions/current', '/sessions', '/logouts'].flatMap((path) => [
    app.get(path),
    cookie.get(path),
  ]);
  const signOuts = [
    app.delete('/sessions/current'),
    app.delete(`/sessions/${session.id}`),
    app.delete('/sessions?scope=others'),
    app.delete('/sessions?scope=all'),
    cookie.delete('/sessions/current'),
    cookie.delete('/sessions?scope=all'),
    cookie.delete('/sessions/current', { headers: { 'X-CSRFToken': undefined } }),
  ];
  for (const response of await Promise.all([...reads, signIn(user.username), changePassword(app)]))
    expectUnavailable(response);
  for (const response of await Promise.all(signOuts)) {
    expectUnavailable(response);
    expect(response.body.detail).toContain('session may still be open');
  }
  await deliverAll();

  await app.delete('/sessions?scope=all');
  for (const each of [app, cookie]) expect((await each.get('/sessions/current')).status).toBe(401);
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, user)).toHaveLength(2);
  expect((await signIn(user.username)).status).toBe(201);
});

test('MySQL rejects us: sessions work and end, and their rows come later', async () => {
  const user = await addUser(environment.cloud);
  const app = bearer((await seedSession(environment.cloud, user, { kind: 'bearer' })).token);
  const other = await seedSession(environment.cloud, user);
  const third = await seedSession(environment.cloud, user);
  environment.cloud.faults.set('mysql', REJECTS_US);
  for (const path of ['/sessions/current', '/sessions']) expect((await app.get(path)).status).toBe(200);
  const refused = await Promise.all([app.get('/logouts'), signIn(user.username), changePassword(app)]);
  for (const response of refused) expectUnavailable(response);
  const receipts = [
    await app.delete(`/sessions/${other.session.id}`),
    await app.delete('/sessions?scope=others'),
    await app.delete('/sessions/current'),
  ].flatMap((response) => response.body.logouts);
  expect(receipts.map((each) => each.reason)).toEqual(['revoked', 'logout_others', 'logout']);
  expect(receipts[1]?.session_id).toBe(third.session.id);

  await deliverAll();
  const rows = await logoutRows(environment.cloud, user);
  expect(new Set(rows.map((row) => row['id']))).toEqual(new Set(receipts.map((each) => each.id)));
  expect(rows).toHaveLength(3);
  // Neither refusal counts as a failure, and the password is the old one.
  expect((await signIn(user.username)).status).toBe(201);
});

test('Redis replies with JSON of another kind: neither "signed out" nor "signed in"', async () => {
  const user = await addUser(environment.cloud);
  const app = bearer((await seedSession(environment.cloud, user, { kind: 'bearer' })).token);
  environment.cloud.faults.set('redis', { kind: 'status', status: 200, body: '{"result":{"a":1}}' });
  for (const path of ['/sessions/current', '/sessions', '/logouts']) expectUnavailable(await app.get(path));
  for (const path of ['/sessions/current', '/sessions?scope=all']) expectUnavailable(await app.delete(path));
});

test('the password changed, but Redis cannot end the sessions: 503 says so, and they end later', async () => {
  const user = await addUser(environment.cloud);
  const app = bearer((await seedSession(environment.cloud, user, { kind: 'bearer' })).token);
  const other = await seedSession(environment.cloud, user, { kind: 'bearer' });
  environment.cloud.faults.set('redis', { kind: 'refuse', match: (call) => runsScript(call, RENEW) });
  const response = await changePassword(app);
  expectUnavailable(response);
  expect(response.body.detail).toMatch(/password is changed/);
  environment.cloud.faults.clear();
  await expect.poll(async () => (await bearer(other.token).get('/sessions')).status).toBe(401);
  expect((await signIn(user.username)).status).toBe(401);
  expect((await signIn(user.username, NEW_PASSWORD)).status).toBe(201);
  await deliverAll();
  expect(await logoutRows(environment.cloud, user)).toMatchObject([{ reason: 'password_changed' }]);
});
