import { describe, expect, test, vi } from 'vitest';
import { storeUnavailable } from '../../../src/errors.ts';
import { retryDuringOutage } from '../../../src/store/retry-during-outage.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { STORE_UNAVAILABLE } from '../../fakes/outage.ts';

describe('retryDuringOutage', () => {
  const unavailable = () => Promise.reject(storeUnavailable('redis', 'timeout'));

  test('retries until the store is back', async () => {
    const task = vi.fn().mockImplementationOnce(unavailable).mockImplementationOnce(unavailable);
    task.mockResolvedValue('done');
    expect(await retryDuringOutage(new ManualClock(), task)).toBe('done');
    expect(task).toHaveBeenCalledTimes(3);
  });

  test('gives up within the 30 s that waitUntil allows', async () => {
    const clock = new ManualClock(0);
    const task = vi.fn(unavailable);
    await expect(retryDuringOutage(clock, task)).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(task).toHaveBeenCalledTimes(6);
    expect(clock.nowMs()).toBeLessThan(20_000);
  });

  test('does not retry anything but an outage', async () => {
    const bug = new TypeError('a bug');
    const task = vi.fn(() => Promise.reject(bug));
    await expect(retryDuringOutage(new ManualClock(), task)).rejects.toBe(bug);
    expect(task).toHaveBeenCalledTimes(1);
  });
});
