import { afterAll, beforeAll } from 'vitest';
import { encodeActivity } from '../../src/activity/activity-encoding.ts';
import type { Activity } from '../../src/activity/events.ts';
import { OUTBOX_KEY } from '../../src/activity/redis-outbox.ts';
import { DOOR_BUDGETS } from '../../tools/budgets.ts';
import { sampleLogin, sampleLogout } from '../fakes/samples.ts';
import { addUser, type TestUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';
import { openWorker, type TestWorker } from '../support/worker.ts';
import { openWorkerGroup, SERVICE, type WorkerGroup } from '../support/worker-group.ts';
import { testBudgets, type Prepared } from './test-budgets.ts';

const stage = useStage();

const HOUR_MS = 3_600_000;

/** A Worker of somebody else: hands on its own request, or the token in it, and answers what it is told. */
const ASKING_WORKER = `export default {
  async fetch(request, env) {
    const token = request.method === 'POST' ? await request.text() : null;
    return Response.json(await env.SESSIONS.verify(token ?? request));
  },
};`;

/** Longer than the table's column: MySQL refuses the row whenever it comes. */
const IMPOSSIBLE_NAME = 'x'.repeat(1000);

let group: WorkerGroup;
let keepingWorker: TestWorker;
let user: TestUser;

beforeAll(async () => {
  group = await openWorkerGroup({ cloud: stage.cloud, others: { asking: ASKING_WORKER } });
  keepingWorker = await openWorker({ cloud: stage.cloud, bindings: { ACTIVITY_RETENTION_DAYS: '30' } });
  user = await addUser(stage.cloud);
  // Warm: code is compiled at the first use.
  await askAs({
    Authorization: `Bearer ${(await seedSession(stage.cloud, user, { kind: 'bearer' })).token}`,
  });
});
afterAll(async () => {
  await group[Symbol.asyncDispose]();
  await keepingWorker.stop();
});

async function askAs(headers: Record<string, string>): Promise<object> {
  return (await (await group.fetch('asking', 'https://app.example.net/', { headers })).json()) as object;
}

async function askAbout(token: string): Promise<object> {
  const init = { method: 'POST', body: token };
  return (await (await group.fetch('asking', 'https://app.example.net/', init)).json()) as object;
}

const says = (status: string, ask: () => Promise<object>): Prepared => ({
  answers: { status },
  ask,
  worker: { fetch: (url, init) => group.fetch(SERVICE, url, init) },
});

/** Lets the cron run when these events are pending. They are put in past the proxy: they are not its work. */
const cron =
  (activities: () => Activity[], worker = () => stage.worker) =>
  async (): Promise<Prepared> => ({
    answers: { pending: 0 },
    worker: worker(),
    ask: async () => {
      const { redis } = stage.cloud;
      for (const each of activities()) await redis.xadd(OUTBOX_KEY, '*', 'event', encodeActivity(each));
      await worker().scheduled();
      return { pending: await redis.xlen(OUTBOX_KEY) };
    },
  });

const signInsAndOuts = (count: number) => (): Activity[] =>
  Array.from({ length: count }, (_, i) => (i % 2 === 0 ? sampleLogin : sampleLogout)(Date.now()));

testBudgets(stage, DOOR_BUDGETS, {
  'verify, a request without credentials': async () => says('invalid', () => askAs({})),
  'verify, a malformed token': async () => says('invalid', () => askAbout('not-a-token')),
  'verify, a request with a bearer': async () => {
    const { token } = await seedSession(stage.cloud, user, { kind: 'bearer' });
    return says('valid', () => askAs({ Authorization: `Bearer ${token}` }));
  },
  'verify, a request with a cookie': async () => {
    const { token } = await seedSession(stage.cloud, user);
    return says('valid', () => askAs({ Cookie: `sessionid=${token}` }));
  },
  'verify, a token': async () => {
    const { token } = await seedSession(stage.cloud, user);
    return says('valid', () => askAbout(token));
  },
  'verify, the token of a stale session': async () => {
    const { token } = await seedSession(stage.cloud, user, { createdAtMs: Date.now() - HOUR_MS });
    return says('valid', () => askAbout(token));
  },

  'cron, nothing pending': cron(() => []),
  'cron, nothing pending, with a retention': cron(
    () => [],
    () => keepingWorker,
  ),
  'cron, 1 sign-out pending': cron(() => [sampleLogout(Date.now())]),
  'cron, 1 sign-in pending': cron(() => [sampleLogin(Date.now())]),
  'cron, 60 sign-ins and sign-outs pending': cron(signInsAndOuts(60)),
  'cron, 150 sign-ins and sign-outs pending': cron(signInsAndOuts(150)),
  'cron, 1 event pending that MySQL never takes': cron(() => [
    sampleLogout(Date.now(), { username: IMPOSSIBLE_NAME }),
  ]),
});
