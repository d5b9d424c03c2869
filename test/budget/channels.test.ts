import { afterAll, beforeAll } from 'vitest';
import { encodeActivity } from '../../src/activity/activity-encoding.ts';
import type { Activity } from '../../src/activity/events.ts';
import { OUTBOX_KEY } from '../../src/activity/redis-outbox.ts';
import { CHANNEL_BUDGETS } from '../../tools/budgets.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';
import { addUser, type TestUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { openWorker, type TestWorker } from '../support/worker.ts';
import { openWorkerGroup, SERVICE, type WorkerGroup } from '../support/worker-group.ts';
import { testBudgets, type Prepared } from './test-budgets.ts';

/** What retention costs has a row of its own. */
const environment = useTestEnvironment({ ACTIVITY_RETENTION_DAYS: '0' });

const HOUR_MS = 3_600_000;

/** Another Worker: verifies its own request, or the token in it, and responds with the result. */
const CALLER = `export default {
  async fetch(request, env) {
    const token = request.method === 'POST' ? await request.text() : null;
    return Response.json(await env.SESSIONS.verify(token ?? request));
  },
};`;

/** Longer than the table's column, so MySQL always rejects the row. */
const TOO_LONG_NAME = 'x'.repeat(1000);

let group: WorkerGroup;
let workerWithRetention: TestWorker;
let user: TestUser;

beforeAll(async () => {
  group = await openWorkerGroup({ cloud: environment.cloud, others: { caller: CALLER } });
  workerWithRetention = await openWorker({
    cloud: environment.cloud,
    bindings: { ACTIVITY_RETENTION_DAYS: '30' },
  });
  // Once an hour, a Worker without receivers looks for queues of receivers that it had.
  await environment.worker.scheduled();
  await workerWithRetention.scheduled();
  user = await addUser(environment.cloud);
  // The first request compiles code.
  await verifyRequest({
    Authorization: `Bearer ${(await seedSession(environment.cloud, user, { kind: 'bearer' })).token}`,
  });
});
afterAll(async () => {
  await group[Symbol.asyncDispose]();
  await workerWithRetention.stop();
});

async function verifyRequest(headers: Record<string, string>): Promise<object> {
  return (await (await group.fetch('caller', 'https://app.example.net/', { headers })).json()) as object;
}

async function verifyToken(token: string): Promise<object> {
  const init = { method: 'POST', body: token };
  return (await (await group.fetch('caller', 'https://app.example.net/', init)).json()) as object;
}

const gives = (status: string, send: () => Promise<object>): Prepared => ({
  send,
  expected: { status },
  worker: { fetch: (url, init) => group.fetch(SERVICE, url, init) },
});

/** Runs the cron when these events are pending. They bypass the proxy, so adding them isn't counted. */
const cron =
  (activities: () => Activity[], worker = () => environment.worker) =>
  async (): Promise<Prepared> => ({
    expected: { pending: 0 },
    worker: worker(),
    send: async () => {
      const { redis } = environment.cloud;
      for (const each of activities()) await redis.xadd(OUTBOX_KEY, '*', 'event', encodeActivity(each));
      await worker().scheduled();
      return { pending: await redis.xlen(OUTBOX_KEY) };
    },
  });

const signInsAndOuts = (count: number) => (): Activity[] =>
  Array.from({ length: count }, (_, i) => (i % 2 === 0 ? sampleLogin : sampleLogout)(Date.now()));

testBudgets(environment, CHANNEL_BUDGETS, {
  'verify, a request without credentials': async () => gives('invalid', () => verifyRequest({})),
  'verify, a malformed token': async () => gives('invalid', () => verifyToken('not-a-token')),
  'verify, a request with a bearer': async () => {
    const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
    return gives('valid', () => verifyRequest({ Authorization: `Bearer ${token}` }));
  },
  'verify, a request with a cookie': async () => {
    const { token } = await seedSession(environment.cloud, user);
    return gives('valid', () => verifyRequest({ Cookie: `sessionid=${token}` }));
  },
  'verify, a token': async () => {
    const { token } = await seedSession(environment.cloud, user);
    return gives('valid', () => verifyToken(token));
  },
  'verify, the token of a stale session': async () => {
    const { token } = await seedSession(environment.cloud, user, { createdAtMs: Date.now() - HOUR_MS });
    return gives('valid', () => verifyToken(token));
  },

  'cron, nothing pending': cron(() => []),
  'cron, nothing pending, with retention': cron(
    () => [],
    () => workerWithRetention,
  ),
  'cron, 1 sign-out pending': cron(() => [sampleLogout(Date.now())]),
  'cron, 1 sign-in pending': cron(() => [sampleLogin(Date.now())]),
  'cron, 60 sign-ins and sign-outs pending': cron(signInsAndOuts(60)),
  'cron, 150 sign-ins and sign-outs pending': cron(signInsAndOuts(150)),
  'cron, 1 event pending that MySQL rejects': cron(() => [
    sampleLogout(Date.now(), { username: TOO_LONG_NAME }),
  ]),
});
