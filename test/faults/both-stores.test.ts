import { afterEach, describe, expect, test } from 'vitest';
import type { Call } from '../../tools/local-cloud/calls.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { RESPONSE_DEADLINE_MS } from './fault-table.ts';
import { prepareRequest } from './prepare-request.ts';
import { hasBcrypt, REQUESTS, type RequestRow } from './requests.ts';

const environment = useTestEnvironment();

/** Just below the time-out of one call: each call succeeds, but all of them together take too long. */
const NEARLY_TOO_SLOW_MS = 1200;

const STORES = ['redis', 'mysql'] as const;

afterEach(async () => {
  for (const store of STORES) await environment.cloud.reopen(store);
});

/**
 * What a request may spend on stores, and some more, as timers are late on a busy machine. For requests with two bcrypts
 * the time on stores is measured instead of the response's: the speed of bcrypt depends on the machine.
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

/** Requests that need neither store succeed, the others get 503, and no response takes too long. */
async function expectInTime(
  rows: readonly RequestRow[],
  begin: (cloud: CloudProxy) => unknown,
  isOut: boolean,
) {
  const requests = await Promise.all(rows.map((row) => prepareRequest(environment, row)));
  await environment.worker.scheduled();
  await environment.worker.delivered();
  await begin(environment.cloud);
  await Promise.all(
    requests.map(async ({ row, send }) => {
      environment.cloud.calls.length = 0;
      const startedAtMs = performance.now();
      const { status, body } = await send();
      if (isOut || !hasBcrypt(row)) {
        expect(performance.now() - startedAtMs, row.name).toBeLessThan(RESPONSE_DEADLINE_MS);
      } else if (isCostly(row)) {
        expect(storeTimeMs(environment.cloud.calls)).toBeLessThan(COSTLY_STORE_TIME_MS);
      }
      // A request with several slow round trips may exceed its time.
      const allowed = isOut ? [row.withoutRedis] : [row.works, row.withoutRedis, 'unavailable' as const];
      const statuses = allowed.map((each) => (typeof each === 'string' ? 503 : each.status));
      expect(statuses, `${row.name}: ${body}`).toContain(status);
    }),
  );
  environment.cloud.faults.clear();
  await environment.cloud.settled();
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
