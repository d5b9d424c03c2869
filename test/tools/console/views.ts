import { expect } from 'vitest';
import type { ConsoleSession } from './console-session.ts';
import { BUSY_USER } from './generate-rows.ts';
import { ago, plantLogins, plantLogouts } from './planted.ts';
import { columns, type Question } from './question.ts';

const busy = { user_id: BUSY_USER.id, username: BUSY_USER.username };

/** What the page says of the views of schema-views.sql. */
export const VIEWS: Question[] = [
  {
    title: 'Open sessions',
    async plant(session) {
      await plantLogins(
        session,
        { at: ago({ minutes: 20 }), session_id: 'open', user_agent: null },
        { at: ago({ hours: 23 }), session_id: 'open for long', username: 'ben', country: null },
        { at: ago({ minutes: 10 }), session_id: 'signed out' },
        { at: ago({ hours: 3 }), session_id: 'replaced' },
        { at: ago({ hours: 22 }), session_id: 'expired' },
        { at: ago({ minutes: 5 }), outcome: 'bad_credentials' },
        { at: ago({ hours: 25 }), session_id: 'yesterday' },
      );
      await plantLogouts(
        session,
        { at: ago({ minutes: 1 }), session_id: 'signed out' },
        { at: ago({ hours: 1 }), session_id: 'replaced', reason: 'replaced' },
        { at: ago({ hours: 20 }), session_id: 'expired', reason: 'expired_idle' },
      );
    },
    async check(session, sql) {
      const here = { user_id: '5000001', ip_address: '192.0.2.1' };
      expect(await session.rows(sql)).toEqual([
        {
          ...here,
          occurred_at: ago({ minutes: 20 }),
          username: 'ann',
          country: 'DE',
          user_agent: null,
          session_id: 'open',
        },
        {
          ...here,
          occurred_at: ago({ hours: 23 }),
          username: 'ben',
          country: null,
          user_agent: 'Planted/1.0',
          session_id: 'open for long',
        },
      ]);
    },
  },
  {
    title: 'Sign-outs today',
    async plant(session) {
      await plantLogouts(
        session,
        { at: ago({ minutes: 1 }), session_id: 'last', reason: 'revoked', ip_address: null },
        // The day begins at midnight UTC.
        { at: '2026-11-23 00:00:00.000', username: 'first of the day' },
        { at: '2026-11-22 23:59:59.999', username: 'yesterday' },
      );
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      expect(rows).toHaveLength(100);
      expect(rows[0]).toEqual({
        logged_out_at: ago({ minutes: 1 }),
        user_id: '5000001',
        username: 'ann',
        reason: 'revoked',
        ip_address: null,
        country: 'DE',
        user_agent: 'Planted/1.0',
        session_id: 'last',
      });
      const times = rows.map((row) => row['logged_out_at']);
      expect(times).toEqual([...times].sort().reverse());
      const all = await session.rows('SELECT username FROM sign_outs_today');
      const names = all.map((row) => row['username']);
      expect(names).toContain('first of the day');
      expect(names).not.toContain('yesterday');
    },
  },
  {
    title: 'Recent failures',
    async plant(session) {
      const from = { ip_address: '192.0.2.2' };
      const unknown = { user_id: null, username: 'unknown:0123456789abcdef' };
      await plantLogins(
        session,
        { at: ago({ minutes: 1 }), ...from, ...unknown, outcome: 'bad_credentials' },
        { at: ago({ minutes: 2 }), ...from, outcome: 'throttled', user_agent: null, country: null },
        { at: ago({ hours: 24 }), ...from, outcome: 'inactive' },
        { at: ago({ hours: 24, seconds: 1 }), ...from, outcome: 'inactive' },
        { at: ago({ seconds: 1 }), ...from },
      );
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      expect(rows).toHaveLength(100);
      expect(rows[0]).toEqual({
        occurred_at: ago({ minutes: 1 }),
        user_id: null,
        username: 'unknown:0123456789abcdef',
        outcome: 'bad_credentials',
        ip_address: '192.0.2.2',
        country: 'DE',
        user_agent: 'Planted/1.0',
      });
      const planted = await session.rows("SELECT * FROM recent_failures WHERE ip_address = '192.0.2.2'");
      expect(columns(planted, 'occurred_at', 'outcome').sort()).toEqual([
        [ago({ hours: 24 }), 'inactive'],
        [ago({ minutes: 2 }), 'throttled'],
        [ago({ minutes: 1 }), 'bad_credentials'],
      ]);
    },
  },
  {
    title: 'Sessions of one user',
    async plant(session) {
      await plantLogins(
        session,
        { at: ago({ minutes: 9 }), ...busy, session_id: 'open' },
        { at: ago({ minutes: 8 }), ...busy, outcome: 'bad_credentials' },
        { at: ago({ minutes: 7 }), ...busy, session_id: 'ended' },
        { at: ago({ minutes: 6 }), session_id: 'of another user' },
      );
      await plantLogouts(session, {
        at: ago({ minutes: 5 }),
        ...busy,
        session_id: 'ended',
        ip_address: '192.0.2.9',
        reason: 'logout_others',
      });
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      expect(rows).toHaveLength(100);
      const began = { ...busy, ip_address: '192.0.2.1', country: 'DE', user_agent: 'Planted/1.0' };
      expect(rows.slice(0, 2)).toEqual([
        {
          ...began,
          occurred_at: ago({ minutes: 7 }),
          session_id: 'ended',
          logged_out_at: ago({ minutes: 5 }),
          reason: 'logout_others',
          ended_by_ip_address: '192.0.2.9',
        },
        {
          ...began,
          occurred_at: ago({ minutes: 9 }),
          session_id: 'open',
          logged_out_at: null,
          reason: null,
          ended_by_ip_address: null,
        },
      ]);
      expect(new Set(rows.map((row) => row['username']))).toEqual(new Set([BUSY_USER.username]));
    },
  },
];

const LAST_MONTH = 'occurred_at >= UTC_TIMESTAMP() - INTERVAL 30 DAY';

/** The index by which each view is read, as the page says, for one user. */
const BY_USER = [
  ['open_sessions', `user_id = 1 AND ${LAST_MONTH}`, 'login_activity_user'],
  ['open_sessions', `username = 'demo' AND ${LAST_MONTH}`, 'login_activity_username'],
  ['sign_outs_today', 'user_id = 1', 'logout_activity_user'],
  ['recent_failures', 'user_id = 1', 'login_activity_user'],
  ['recent_failures', "username = 'demo'", 'login_activity_username'],
  ['sessions_of_user', 'user_id = 1', 'login_activity_user'],
  ['sessions_of_user', "username = 'demo'", 'login_activity_username'],
] as const;

/** Holds each view to the index of the user in a WHERE: it is merged into the statement, not computed first. */
export async function expectWhereToReachIndexes(session: ConsoleSession): Promise<void> {
  for (const [view, where, index] of BY_USER) {
    const steps = await session.plan(`SELECT * FROM ${view} WHERE ${where}`);
    const [first, ...joined] = steps.map((step) => step.index);
    expect([view, where, first]).toEqual([view, where, index]);
    expect(joined).toEqual(
      ['open_sessions', 'sessions_of_user'].includes(view) ? ['logout_activity_session'] : [],
    );
  }
}
