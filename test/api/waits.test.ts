import { beforeAll, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, PASSWORD } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';
import { ONE_REDIS_COMMAND, storeCost } from '../support/store-cost.ts';

const stage = useStage();

const caller = (token?: string): ApiCaller => new ApiCaller(stage.worker.visitor(), token);

async function app(): Promise<ApiCaller> {
  const user = await addUser(stage.cloud);
  await seedSession(stage.cloud, user);
  return caller((await seedSession(stage.cloud, user, { kind: 'bearer' })).token);
}

beforeAll(async () => {
  // Warm: code is compiled at the first use.
  await (await app()).delete('/sessions?scope=all');
});

test.each(['/sessions/current', '/sessions'])('GET %s: one wait, one command', async (path) => {
  const bearer = await app();
  const { cost, answer } = await storeCost(stage, () => bearer.get(path));
  expect({ status: answer.status, cost }).toEqual({ status: 200, cost: ONE_REDIS_COMMAND });
});

test('by cookie it is one too, a session of long ago included', async () => {
  const { visitor } = await seedVisitor(stage, await addUser(stage.cloud), {
    createdAtMs: Date.now() - 3_600_000,
  });
  const cookie = new ApiCaller(visitor);
  for (const path of ['/sessions/current', '/sessions']) {
    expect((await storeCost(stage, () => cookie.get(path))).cost).toEqual(ONE_REDIS_COMMAND);
  }
});

test.each([
  ['/sessions/current', 1],
  ['/sessions?scope=others', 1],
  ['/sessions?scope=all', 2],
])('DELETE %s: one wait, the rows are written behind the answer', async (path, revoked) => {
  const bearer = await app();
  const { cost, answer } = await storeCost(stage, () => bearer.delete(path));
  expect({ revoked: answer.body.revoked, cost }).toEqual({ revoked, cost: ONE_REDIS_COMMAND });
});

test('DELETE one: one wait, by cookie as well', async () => {
  const user = await addUser(stage.cloud);
  const others = [await seedSession(stage.cloud, user), await seedSession(stage.cloud, user)];
  const bearer = caller((await seedSession(stage.cloud, user, { kind: 'bearer' })).token);
  const { visitor } = await seedVisitor(stage, user);
  for (const [i, each] of [bearer, new ApiCaller(visitor)].entries()) {
    const path = `/sessions/${others[i]?.session.id}`;
    const { cost, answer } = await storeCost(stage, () => each.delete(path));
    expect({ revoked: answer.body.revoked, cost }).toEqual({ revoked: 1, cost: ONE_REDIS_COMMAND });
  }
});

test('GET /logouts: two waits', async () => {
  const bearer = await app();
  const { cost } = await storeCost(stage, () => bearer.get('/logouts'));
  expect(cost).toEqual({ waits: 2, calls: 2, redisCommands: 1, sqlStatements: 1 });
});

test('POST /sessions: two waits, one statement; a failed one no more', async () => {
  const { username } = await addUser(stage.cloud);
  const nobody = caller();
  const signIn = (password: string) => nobody.post('/sessions', { username, password });
  const { cost, answer } = await storeCost(stage, () => signIn(PASSWORD));
  expect(answer.status).toBe(201);
  expect(cost).toMatchObject({ waits: 2, sqlStatements: 1 });
  expect((await storeCost(stage, () => signIn('wrong'))).cost).toMatchObject({ waits: 2, sqlStatements: 1 });
});

test('what needs no store waits for none', async () => {
  const none = { waits: 0, calls: 0, redisCommands: 0, sqlStatements: 0 };
  const bad = caller('not-a-token');
  expect((await storeCost(stage, () => bad.get('/sessions'))).cost).toEqual(none);
  expect((await storeCost(stage, () => caller().get('/openapi.json'))).cost).toEqual(none);
  expect((await storeCost(stage, () => caller().post('/sessions', {}))).cost).toEqual(none);
});
