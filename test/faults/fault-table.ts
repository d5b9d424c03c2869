import { beforeAll, describe, expect, test } from 'vitest';
import type { StoreName } from '../../tools/local-cloud/calls.ts';
import { expectIndexesAgree } from '../stores/redis-contents.ts';
import { eventually, logoutRows } from '../support/people.ts';
import { useStage, type Stage } from '../support/stage.ts';
import type { Answer } from '../support/visitor.ts';
import { OUTAGES, type Outage } from './outages.ts';
import { hasBcrypt, REQUESTS, type RequestRow, type Verdict } from './requests.ts';
import { openScene, type Scene } from './scene.ts';

/** Every answer comes within 5 s whatever a store does. */
export const ANSWER_DEADLINE_MS = 5000;

interface Cell {
  readonly row: RequestRow;
  readonly scene: Scene;
  readonly answer: Answer;
  readonly tookMs: number;
  /** The same request, after the outage; null where the first one was answered well. */
  readonly again: Answer | null;
}

/** Every request of the table against every outage of this store; each cell a test of its own. */
export function describeFaultTable(store: StoreName): void {
  const stage = useStage();

  describe.each(OUTAGES)(`${store} $name`, (outage) => {
    const cells = new Map<string, Cell>();
    beforeAll(async () => {
      for (const cell of await playOut(stage, store, outage)) cells.set(cell.row.name, cell);
    });

    test.each(REQUESTS)('$name', async (row) => {
      const cell = cells.get(row.name)!;
      const verdict = verdictOf(row, store, outage);
      expect(cell.tookMs).toBeLessThan(ANSWER_DEADLINE_MS);
      await expectVerdict(cell, verdict);
      if (cell.again !== null) {
        const allowed = [statusOf(row.works), ...(outage.mayBeDone === true ? (row.doneAlready ?? []) : [])];
        expect(allowed, cell.again.body).toContain(cell.again.status);
      }
      await expectAftermath(stage, cell);
    });

    test('nothing is left behind', async () => {
      await eventually(async () => {
        await expectIndexesAgree(stage.cloud.redis, Date.now());
        // Nobody typed a wrong password, so nothing may count against anybody.
        expect(await countedFailures(stage)).toEqual([]);
      });
      const { body } = await stage.worker.visitor().get('/readyz');
      expect(JSON.parse(body)).toMatchObject({ outbox: { pending: 0, set_aside: 0 } });
      expect(stage.worker.logs.filter((line) => /internal_error|uncaught/.test(line))).toEqual([]);
    });
  });
}

function verdictOf(row: RequestRow, store: StoreName, outage: Outage): Verdict {
  if (outage.outcome === 'survived') return row.works;
  return store === 'redis' ? row.withoutRedis : row.withoutMysql;
}

const isRefusal = (verdict: Verdict): boolean => typeof verdict === 'string';
const statusOf = (verdict: Verdict): number => (typeof verdict === 'string' ? 503 : verdict.status);

/** Sets the scenes, sends everything into the outage, ends it, and repeats what was refused. */
async function playOut(stage: Stage, store: StoreName, outage: Outage): Promise<Cell[]> {
  const { cloud, worker } = stage;
  // What an outage before this one broke is not told of this one.
  await cloud.settled();
  await cloud.redis.flushdb();
  worker.logs.length = 0;
  const scenes = await Promise.all(
    REQUESTS.map(async (row) => ({ row, scene: await openScene(stage, row) })),
  );
  await worker.delivered();
  const asked: Omit<Cell, 'again'>[] = [];
  const ask = async ({ row, scene }: { row: RequestRow; scene: Scene }): Promise<void> => {
    const startedAtMs = performance.now();
    const answer = await scene.ask();
    asked.push({ row, scene, answer, tookMs: performance.now() - startedAtMs });
  };
  const isApart = ({ row }: { row: RequestRow }): boolean =>
    outage.oneByOne === true || (outage.outcome === 'survived' && hasBcrypt(row));
  await outage.begin(cloud, store);
  await Promise.all(scenes.filter((each) => !isApart(each)).map(ask));
  await outage.end(cloud, store);
  await cloud.settled();
  for (const each of scenes.filter(isApart)) {
    await outage.begin(cloud, store);
    await ask(each);
    await outage.end(cloud, store);
    await cloud.settled();
  }
  const cells: Cell[] = [];
  for (const cell of asked) {
    const wasRefused = isRefusal(verdictOf(cell.row, store, outage));
    cells.push({ ...cell, again: wasRefused ? await cell.scene.ask() : null });
  }
  await worker.scheduled();
  await worker.delivered();
  return cells;
}

async function expectVerdict({ scene, answer, row }: Cell, verdict: Verdict): Promise<void> {
  expect(answer.status, answer.body).toBe(statusOf(verdict));
  if (typeof verdict !== 'string') {
    if (verdict.says !== undefined) expect(answer.body).toContain(verdict.says);
    return;
  }
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(answer.headers.get('Cache-Control')).toBe('no-store');
  // Neither expired nor replaced.
  expect(answer.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
  if (verdict === 'unconfirmed') {
    expect(answer.setCookies).toEqual([]);
    expect(answer.body).toContain('session may still be open');
  }
  if (row.name.includes('/api/')) {
    expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({
      status: 503,
      code: 'store_unavailable',
      request_id: expect.stringMatching(/./) as string,
    });
  } else if (row.name !== 'GET /readyz') {
    expect(answer.headers.get('Content-Type')).toMatch(/^text\/html/);
    expect(answer.body).toContain('ry again in a moment');
  }
  // Said before anything was repeated: the browser still had it then.
  if (scene.cookie !== null) expect(answer.setCookies.join()).not.toContain('Max-Age=0');
}

/** What is open and what is recorded once everything was answered well: the same, whatever happened on the way. */
async function expectAftermath(stage: Stage, { row, scene }: Cell): Promise<void> {
  const { userId, own, others } = scene;
  if (userId === null) return;
  const { own: ownReason, others: othersReason } = row.ends ?? {};
  const ended = [
    ...(ownReason === undefined ? [] : [[own, ownReason]]),
    ...(othersReason === undefined ? [] : others.map((id) => [id, othersReason])),
  ];
  const rows = await logoutRows(stage.cloud, { id: userId, username: '', password: '' });
  expect(rows.map((each) => [each['session_id'], each['reason']]).sort()).toEqual(ended.sort());
  const kept = [own, ...others].filter((id) => id !== '' && !ended.some(([endedId]) => endedId === id));
  await eventually(async () => {
    const open = await stage.cloud.redis.hkeys(`user-sessions:${userId}`);
    // A session that was begun without anybody getting its token must be gone.
    expect(open).toHaveLength(kept.length + (row.begins === true ? 1 : 0));
    expect(open).toEqual(expect.arrayContaining(kept));
  });
}

async function countedFailures({ cloud }: Stage): Promise<[string, string][]> {
  const counted: [string, string][] = [];
  for (const key of await cloud.redis.keys('throttle:*')) {
    if ((await cloud.redis.type(key)) !== 'hash') continue;
    const failures = await cloud.redis.hget(key, 'failures');
    if (failures !== null && failures !== '0') counted.push([key, failures]);
  }
  return counted;
}
