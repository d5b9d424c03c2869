import { beforeAll, describe, expect, test } from 'vitest';
import type { StoreName } from '../../tools/local-cloud/calls.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { expectIndexesAgree } from '../stores/redis-contents.ts';
import { eventually, logoutRows } from '../support/people.ts';
import { useTestEnvironment, type TestEnvironment } from '../support/test-environment.ts';
import type { Answer } from '../support/visitor.ts';
import { OUTAGES, type Outage } from './outages.ts';
import { prepareRequest, type PreparedRequest } from './prepare-request.ts';
import { hasBcrypt, REQUESTS, type Expectation, type RequestRow } from './requests.ts';

/** Every response comes within 5 s whatever a store does. */
export const RESPONSE_DEADLINE_MS = 5000;

interface SentRequest {
  readonly request: PreparedRequest;
  readonly response: Answer;
  readonly tookMs: number;
}

interface Case extends SentRequest {
  /** Response to the same request after the outage; null if the first one succeeded. */
  readonly retry: Answer | null;
}

/** Every request of the table in every outage of this store, each case a test of its own. */
export function describeFaultTable(store: StoreName): void {
  const environment = useTestEnvironment();

  describe.each(OUTAGES)(`${store} $name`, (outage) => {
    const cases = new Map<RequestRow, Case>();
    beforeAll(async () => {
      for (const each of await runOutage(environment, store, outage)) cases.set(each.request.row, each);
    });

    test.each(REQUESTS)('$name', async (row) => {
      const { request, response, tookMs, retry } = cases.get(row)!;
      expect(tookMs).toBeLessThan(RESPONSE_DEADLINE_MS);
      await expectResponse(request, response, expectationFor(row, store, outage));
      if (retry !== null) {
        const allowed = [statusOf(row.works), ...(outage.mayBeDone === true ? (row.alreadyDone ?? []) : [])];
        expect(allowed, retry.body).toContain(retry.status);
      }
      await expectFinalState(environment, request);
    });

    test('nothing is left behind', async () => {
      await eventually(async () => {
        await expectIndexesAgree(environment.cloud.redis, Date.now());
        // No password was wrong, so no failure may be counted.
        expect(await countedFailures(environment)).toEqual([]);
      });
      const { outbox } = openCloudStores(environment.cloud);
      expect(await outbox.status()).toMatchObject({ pending: 0, setAside: 0 });
      expect(environment.worker.logs.filter((line) => /internal_error|uncaught/.test(line))).toEqual([]);
    });
  });
}

function expectationFor(row: RequestRow, store: StoreName, outage: Outage): Expectation {
  if (outage.outcome === 'survived') return row.works;
  return store === 'redis' ? row.withoutRedis : row.withoutMysql;
}

const statusOf = (expected: Expectation): number => (typeof expected === 'string' ? 503 : expected.status);

/** Sends every request during the outage, ends it, and retries those that must have failed. */
async function runOutage(environment: TestEnvironment, store: StoreName, outage: Outage): Promise<Case[]> {
  const { cloud, worker } = environment;
  // What the previous outage left over must not count against this one.
  await cloud.settled();
  await cloud.redis.flushdb();
  worker.logs.length = 0;
  const requests = await Promise.all(REQUESTS.map((row) => prepareRequest(environment, row)));
  await worker.delivered();
  const sent: SentRequest[] = [];
  const send = async (request: PreparedRequest): Promise<void> => {
    const startedAtMs = performance.now();
    const response = await request.send();
    sent.push({ request, response, tookMs: performance.now() - startedAtMs });
  };
  const isAlone = ({ row }: PreparedRequest): boolean =>
    outage.oneByOne === true || (outage.outcome === 'survived' && hasBcrypt(row));
  await outage.begin(cloud, store);
  await Promise.all(requests.filter((each) => !isAlone(each)).map(send));
  await outage.end(cloud, store);
  await cloud.settled();
  for (const each of requests.filter(isAlone)) {
    await outage.begin(cloud, store);
    await send(each);
    await outage.end(cloud, store);
    await cloud.settled();
  }
  const cases: Case[] = [];
  for (const each of sent) {
    const hasFailed = typeof expectationFor(each.request.row, store, outage) === 'string';
    cases.push({ ...each, retry: hasFailed ? await each.request.send() : null });
  }
  await worker.scheduled();
  await worker.delivered();
  return cases;
}

async function expectResponse(
  { row, cookie }: PreparedRequest,
  response: Answer,
  expected: Expectation,
): Promise<void> {
  expect(response.status, response.body).toBe(statusOf(expected));
  if (typeof expected !== 'string') {
    if (expected.text !== undefined) expect(response.body).toContain(expected.text);
    return;
  }
  expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  // Neither expired nor replaced.
  expect(response.setCookies.filter((each) => each.startsWith('sessionid'))).toEqual([]);
  if (expected === 'unconfirmed') {
    expect(response.setCookies).toEqual([]);
    expect(response.body).toContain('session may still be open');
  }
  if (row.name.includes('/api/')) {
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(JSON.parse(response.body)).toMatchObject({
      status: 503,
      code: 'store_unavailable',
      request_id: expect.stringMatching(/./) as string,
    });
  } else {
    expect(response.headers.get('Content-Type')).toMatch(/^text\/html/);
    expect(response.body).toContain('ry again in a moment');
  }
  if (cookie !== null) expect(response.setCookies.join()).not.toContain('Max-Age=0');
}

/** Once every request succeeded, the same sessions are open and recorded as without a fault. */
async function expectFinalState(
  environment: TestEnvironment,
  { row, userId, own, others }: PreparedRequest,
): Promise<void> {
  if (userId === null) return;
  const { own: ownReason, others: othersReason } = row.ends ?? {};
  const ended = [
    ...(ownReason === undefined ? [] : [[own, ownReason]]),
    ...(othersReason === undefined ? [] : others.map((id) => [id, othersReason])),
  ];
  const rows = await logoutRows(environment.cloud, { id: userId, username: '', password: '' });
  expect(rows.map((each) => [each['session_id'], each['reason']]).sort()).toEqual(ended.sort());
  const kept = [own, ...others].filter((id) => id !== '' && !ended.some(([endedId]) => endedId === id));
  await eventually(async () => {
    const open = await environment.cloud.redis.hkeys(`user-sessions:${userId}`);
    // A session whose token no client received must be gone.
    expect(open).toHaveLength(kept.length + (row.starts === true ? 1 : 0));
    expect(open).toEqual(expect.arrayContaining(kept));
  });
}

async function countedFailures({ cloud }: TestEnvironment): Promise<[string, string][]> {
  const counted: [string, string][] = [];
  for (const key of await cloud.redis.keys('throttle:*')) {
    if ((await cloud.redis.type(key)) !== 'hash') continue;
    const failures = await cloud.redis.hget(key, 'failures');
    if (failures !== null && failures !== '0') counted.push([key, failures]);
  }
  return counted;
}
