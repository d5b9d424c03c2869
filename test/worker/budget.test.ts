import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { countWaits, type Waits } from '../../tools/local-cloud/calls.ts';
import { nowMs } from '../../tools/local-cloud/clock.ts';
import { addUser, PASSWORD } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import type { Answer } from '../support/visitor.ts';

/** Makes each wait long enough to be told from the work around it, and keeps work behind the answer behind it. */
const STORE_DELAY_MS = 50;

const BUNDLE_MAX_BYTES = 75 * 1024;

const stage = useStage();

beforeAll(async () => {
  // Warm: keys are imported and code is compiled at the first use.
  const visitor = stage.worker.visitor();
  await visitor.signIn(await addUser(stage.cloud));
  await visitor.logOut();
});
beforeEach(() => {
  for (const store of ['redis', 'mysql'] as const) {
    stage.cloud.faults.set(store, { kind: 'delay', ms: STORE_DELAY_MS });
  }
});

/** What the answer had to wait for. */
async function costOf(ask: () => Promise<Answer>, status: number): Promise<Waits> {
  // What earlier requests still do behind their answers is not this one's.
  await stage.worker.delivered();
  await stage.cloud.settled();
  stage.cloud.calls.length = 0;
  const fromMs = nowMs();
  const answer = await ask();
  const untilMs = nowMs();
  expect(answer.status).toBe(status);
  return countWaits(stage.cloud.calls, fromMs, untilMs);
}

const NOTHING: Waits = { waits: 0, calls: 0, redisCommands: 0, sqlStatements: 0 };
const ONE_REDIS_COMMAND: Waits = { waits: 1, calls: 1, redisCommands: 1, sqlStatements: 0 };

test('public pages wait for nothing without a session cookie', async () => {
  const visitor = stage.worker.visitor();
  for (const path of ['/', '/sign-in/', '/healthz', '/assets/icon.svg']) {
    expect(await costOf(() => visitor.get(path), 200), path).toEqual(NOTHING);
  }
  await visitor.setCookie('sessionid=not-a-token');
  expect(await costOf(() => visitor.get('/'), 200)).toEqual(NOTHING);
  expect(await costOf(() => visitor.get('/home/'), 302)).toEqual(NOTHING);
  expect(await costOf(() => visitor.post('/logout/'), 303)).toEqual(NOTHING);
});

test('with one they wait once, and a session check is one GET', async () => {
  const visitor = stage.worker.visitor();
  await visitor.signIn(await addUser(stage.cloud));
  for (const path of ['/', '/home/', '/logout/']) {
    expect(await costOf(() => visitor.get(path), 200), path).toEqual(ONE_REDIS_COMMAND);
    expect(stage.cloud.calls.map((call) => (call.store === 'redis' ? call.commands : call))).toEqual([
      [[expect.stringMatching(/^get$/i), expect.stringMatching(/^session:/)]],
    ]);
  }
  expect(await costOf(() => visitor.get('/sign-in/'), 302)).toEqual(ONE_REDIS_COMMAND);
});

test('a sign-in waits twice, a failed one no more often', async () => {
  const { username } = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
  const page = await visitor.get('/sign-in/');
  const signIn = (password: string) => visitor.submit(page, { username, password });
  expect((await costOf(() => signIn('wrong'), 401)).waits).toBe(2);
  const { waits, sqlStatements } = await costOf(() => signIn(PASSWORD), 303);
  expect({ waits, sqlStatements }).toEqual({ waits: 2, sqlStatements: 1 });
});

test('a logout waits once', async () => {
  const visitor = stage.worker.visitor();
  await visitor.signIn(await addUser(stage.cloud));
  const home = await visitor.get('/home/');
  const cookies = await visitor.jar.getCookies(visitor.origin);
  expect(await costOf(() => visitor.submit(home), 303)).toEqual(ONE_REDIS_COMMAND);
  // A second time, when there is nothing left to end.
  for (const cookie of cookies) await visitor.setCookie(cookie.toString());
  expect(await costOf(() => visitor.submit(home), 303)).toEqual(ONE_REDIS_COMMAND);
});

test('the log counts the same waits', async () => {
  const visitor = stage.worker.visitor();
  await visitor.signIn(await addUser(stage.cloud));
  stage.worker.logs.length = 0;
  await visitor.get('/home/');
  await expect
    .poll(() => stage.worker.logs.map((line) => JSON.parse(line) as Record<string, unknown>))
    .toContainEqual(expect.objectContaining({ event: 'request', route: '/home/', store_waits: 1 }));
});

test('the bundle is at most 75 KiB', () => {
  const { script } = inject('bundle');
  if (script === null) throw new Error('There is no bundle');
  // As wrangler reports it: gzip of the default level.
  expect(gzipSync(script).length).toBeLessThanOrEqual(BUNDLE_MAX_BYTES);
});
