import { expect, test } from 'vitest';
import { newOperation } from '../../../src/session/session-work.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';

test('each operation has an id of its own, the time and the client', () => {
  const { work, clock } = openMemoryWork();
  const [first, second] = [newOperation(work), newOperation(work)];
  expect(first).toMatchObject({ nowMs: clock.nowMs(), client: work.client });
  expect(first.id).not.toBe(second.id);
});
