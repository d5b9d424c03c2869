import { describe, expect, test } from 'vitest';
import { LOGOUT_REASONS, type LogoutReason } from '../../../src/activity/events.ts';
import { eventClaims } from '../../../src/activity/event-token.ts';
import { NO_CLIENT } from '../../../src/lib/client-info.ts';
import { SAMPLE_CLIENT, sampleLogin, sampleLogout } from '../../fakes/samples.ts';

const T = Date.UTC(2026, 10, 23, 12, 0, 0, 987);
const ISSUER = 'https://login.example.org';
const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

test('the end of a session is a CAEP session-revoked, named by its row’s id', () => {
  const logout = sampleLogout(T, { reason: 'revoked', username: 'ann' });
  expect(eventClaims(logout, ISSUER)).toEqual({
    jti: logout.id,
    toe: Math.floor(T / 1000),
    sub_id: {
      format: 'complex',
      user: { format: 'iss_sub', iss: ISSUER, sub: logout.userId },
      session: { format: 'opaque', id: logout.sessionId },
    },
    events: {
      [REVOKED]: {
        event_timestamp: Math.floor(T / 1000),
        initiating_entity: 'user',
        reason: 'revoked',
        username: 'ann',
        occurred_at: '2026-11-23T12:00:00.987Z',
        ip_address: SAMPLE_CLIENT.ipAddress,
        user_agent: SAMPLE_CLIENT.userAgent,
        country: SAMPLE_CLIENT.country,
      },
    },
  });
});

test('what is not known is null, a missing name is left out', () => {
  const claims = eventClaims(sampleLogout(T, { username: '', client: NO_CLIENT }), ISSUER);
  expect(claims['events']).toEqual({
    [REVOKED]: expect.objectContaining({ ip_address: null, user_agent: null, country: null }) as object,
  });
  expect(JSON.stringify(claims)).not.toContain('username');
});

test('a sign-in and a failed one have types of ours', () => {
  const login = sampleLogin(T);
  expect(eventClaims(login, ISSUER)).toMatchObject({
    jti: login.id,
    sub_id: { user: { sub: login.userId }, session: { id: login.sessionId } },
    events: { 'urn:cloud-hoskie:event:sign-in': { outcome: 'success', username: 'ann' } },
  });
  const failed = sampleLogin(T, { outcome: 'bad_credentials', sessionId: null });
  const claims = eventClaims(failed, ISSUER);
  expect(claims).toMatchObject({
    events: { 'urn:cloud-hoskie:event:sign-in-failed': { outcome: 'bad_credentials' } },
  });
  expect(claims['sub_id']).toEqual({
    format: 'complex',
    user: { format: 'iss_sub', iss: ISSUER, sub: failed.userId },
  });
});

test('a failed sign-in under a name that no user has is about no one', () => {
  const failed = sampleLogin(T, {
    outcome: 'throttled',
    sessionId: null,
    userId: null,
    username: 'unknown:0123456789abcdef',
  });
  expect(eventClaims(failed, ISSUER)).not.toHaveProperty('sub_id');
});

test('no event could pass for an identity: it has neither sub nor exp', () => {
  for (const activity of [sampleLogout(T), sampleLogin(T)]) {
    const claims = eventClaims(activity, ISSUER);
    expect(Object.keys(claims).sort()).toEqual(['events', 'jti', 'sub_id', 'toe']);
  }
});

describe('who ended a session, in CAEP’s words', () => {
  const INITIATORS: Partial<Record<string, string>> = {
    admin: 'admin',
    evicted: 'policy',
    expired_idle: 'policy',
    expired_absolute: 'policy',
    abandoned: 'system',
  };

  test.each([...LOGOUT_REASONS, 'a_later_one'])('%s', (reason) => {
    const isLater = reason === 'a_later_one';
    expect(eventClaims(sampleLogout(T, { reason: reason as LogoutReason }), ISSUER)).toMatchObject({
      events: { [REVOKED]: { initiating_entity: isLater ? 'system' : (INITIATORS[reason] ?? 'user') } },
    });
  });
});
