import { afterEach, describe, expect, test } from 'vitest';
import type { Call } from '../../tools/local-cloud/calls.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { useStage } from '../support/stage.ts';
import { ANSWER_DEADLINE_MS } from './fault-table.ts';
import { hasBcrypt, REQUESTS, type RequestRow } from './requests.ts';
import { openScene } from './scene.ts';

const stage = useStage();

/** Just below what one wait may take: every wait succeeds, and all of them together are too much. */
const NEARLY_TOO_SLOW_MS = 1200;

const STORES = ['redis', 'mysql'] as const;

afterEach(async () => {
  for (const store of STORES) await stage.cloud.reopen(store);
});

/**
 * For requests with two bcrypts what is measured is the time spent on stores: how long a bcrypt takes is this
 * machine's business. All that a request may wait for, and a bit, as a busy machine's timers are late.
 */
const COSTLY_STORE_TIME_MS = 4490 + 400;
const isCostly = ({ name }: RequestRow): boolean => /^P\w+ .*password/.test(name);

/** Time during which at least one call was under way. */
function storeTimeMs(calls: readonly Call[]): number {
  let sumMs = 0;
  let freeAtMs = 0;
  for (const call of [...calls].sort((a, b) => a.startedAtMs - b.startedAtMs)) {
    sumMs += Math.max(0, call.endedAtMs - Math.max(call.startedAtMs, freeAtMs));
    freeAtMs = Math.max(freeAtMs, call.endedAtMs);
  }
  return sumMs;
}

/** What needs neither store answers well; the rest says 503; nothing takes too long. */
async function expectInTime(
  rows: readonly RequestRow[],
  begin: (cloud: CloudProxy) => unknown,
  isOut: boolean,
) {
  const scenes = await Promise.all(rows.map(async (row) => ({ row, scene: await openScene(stage, row) })));
  await stage.worker.scheduled();
  await stage.worker.delivered();
  await begin(stage.cloud);
  await Promise.all(
    scenes.map(async ({ row, scene }) => {
      stage.cloud.calls.length = 0;
      const startedAtMs = performance.now();
      const { status, body } = await scene.ask();
      if (isOut || !hasBcrypt(row)) {
        expect(performance.now() - startedAtMs, row.name).toBeLessThan(ANSWER_DEADLINE_MS);
      } else if (isCostly(row)) {
        expect(storeTimeMs(stage.cloud.calls)).toBeLessThan(COSTLY_STORE_TIME_MS);
      }
      // Slow as it is, what waits several times may run out of its time.
      const verdicts = isOut ? [row.withoutRedis] : [row.works, row.withoutRedis, 'unavailable' as const];
      const expected = verdicts.map((verdict) => (typeof verdict === 'string' ? 503 : verdict.status));
      expect(expected, `${row.name}: ${body}`).toContain(status);
    }),
  );
  stage.cloud.faults.clear();
  await stage.cloud.settled();
}

describe('both stores at once', () => {
  test('are refused', () =>
    expectInTime(REQUESTS, (cloud) => Promise.all(STORES.map((store) => cloud.close(store))), true));

  test('hang', () =>
    expectInTime(
      REQUESTS,
      (cloud) => STORES.map((store) => cloud.faults.set(store, { kind: 'hang' })),
      true,
    ));

  const slow = (cloud: CloudProxy) =>
    STORES.map((store) => cloud.faults.set(store, { kind: 'delay', ms: NEARLY_TOO_SLOW_MS }));
  test('are nearly too slow', () =>
    expectInTime(
      REQUESTS.filter((row) => !isCostly(row)),
      slow,
      false,
    ));
  test.each(REQUESTS.filter(isCostly))('are nearly too slow: $name', (row) =>
    expectInTime([row], slow, false),
  );
});
