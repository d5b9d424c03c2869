import { describe, expect, test } from 'vitest';
import {
  deliverInBackground,
  logActivity,
  recordInBackground,
} from '../../../src/activity/record-activity.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';
import { STORE_UNAVAILABLE } from '../../fakes/outage.ts';
import { SAMPLE_CLIENT, sampleLogin, sampleLogout } from '../../fakes/samples.ts';

const T = Date.UTC(2026, 10, 23, 12);

describe('logActivity', () => {
  test.each([
    ['success', 'authn_login_success'],
    ['bad_credentials', 'authn_login_fail'],
    ['inactive', 'authn_login_fail'],
    ['throttled', 'authn_login_fail_max'],
  ] as const)('logs a sign-in with outcome %s as %s', (outcome, name) => {
    const { work, log } = openMemoryWork();
    const login = sampleLogin(T, { outcome });
    logActivity(work, login);
    expect(log.entries).toEqual([
      {
        name,
        fields: {
          request_id: work.requestId,
          activity_id: login.id,
          user_id: login.userId,
          session_id: login.sessionId,
          reason: outcome,
          ip_address: SAMPLE_CLIENT.ipAddress,
        },
      },
    ]);
  });

  test('logs a sign-out with its reason, and no name', () => {
    const { work, log } = openMemoryWork();
    const logout = sampleLogout(T, { reason: 'revoked', username: 'ann-marie' });
    logActivity(work, logout);
    expect(log.of('session_expired')).toMatchObject([{ session_id: logout.sessionId, reason: 'revoked' }]);
    expect(log.text()).not.toContain('ann-marie');
  });
});

describe('recordInBackground', () => {
  test('logs at once and writes the rows after the response', async () => {
    const { stores, work, log, runBackground } = openMemoryWork();
    const [login, logout] = [sampleLogin(T), sampleLogout(T)];
    recordInBackground(work, [await stores.outbox.add(login), await stores.outbox.add(logout)]);
    expect(log.entries).toHaveLength(2);
    expect(stores.activityLog.logins.size).toBe(0);
    await runBackground();
    expect([...stores.activityLog.logins.values()]).toEqual([login]);
    expect([...stores.activityLog.logouts.values()]).toEqual([logout]);
    expect(stores.outbox.pending).toEqual([]);
  });

  test('leaves what it could not write in the outbox, for the cron', async () => {
    const { stores, work, outage, runBackground } = openMemoryWork();
    const entry = await stores.outbox.add(sampleLogout(T));
    recordInBackground(work, [entry]);
    outage.refuse('database');
    await expect(runBackground()).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(stores.outbox.pending).toEqual([entry]);
  });
});

test('without events there is no background work', () => {
  const { work, backgroundTasks } = openMemoryWork();
  deliverInBackground(work, []);
  expect(backgroundTasks()).toEqual([]);
});
