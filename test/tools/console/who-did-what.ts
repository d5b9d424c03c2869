import { expect } from 'vitest';
import { BUSY_ADDRESS, BUSY_USER } from './generate-rows.ts';
import { ago, plantLogins, plantLogouts } from './planted.ts';
import { columns, type Question } from './question.ts';

const busy = { user_id: BUSY_USER.id, username: BUSY_USER.username };

export const WHO_DID_WHAT: Question[] = [
  {
    title: 'Who signed out, when and from where',
    async plant(session) {
      await plantLogouts(
        session,
        { at: ago({ minutes: 2 }), username: 'ben', ip_address: null, country: null, user_agent: null },
        { at: ago({ minutes: 1 }), session_id: 'last', reason: 'revoked', country: 'NL' },
        { at: ago({ minutes: 3 }), username: 'cat' },
      );
      await plantLogins(session, { at: ago({ seconds: 1 }) });
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      expect(rows).toHaveLength(100);
      expect(rows[0]).toEqual({
        logged_out_at: ago({ minutes: 1 }),
        username: 'ann',
        reason: 'revoked',
        ip_address: '192.0.2.1',
        country: 'NL',
        user_agent: 'Planted/1.0',
        session_id: 'last',
      });
      expect(columns(rows.slice(0, 4), 'username')).not.toContainEqual([BUSY_USER.username]);
      expect(columns(rows.slice(1, 3), 'username', 'ip_address', 'country', 'user_agent')).toEqual([
        ['ben', null, null, null],
        ['cat', '192.0.2.1', 'DE', 'Planted/1.0'],
      ]);
      expectNewestFirst(rows.map((row) => row['logged_out_at']));
    },
  },
  {
    title: 'One user’s history',
    async plant(session) {
      await plantLogins(
        session,
        { at: ago({ minutes: 9 }), ...busy, outcome: 'bad_credentials' },
        { at: ago({ minutes: 8 }), ...busy, session_id: 'first' },
        { at: ago({ minutes: 4 }), username: 'Demo', user_id: null, outcome: 'bad_credentials' },
      );
      await plantLogouts(
        session,
        { at: ago({ minutes: 7 }), ...busy, session_id: 'first' },
        // The previous name: the sign-out is found by the user's number.
        { at: ago({ minutes: 6 }), ...busy, username: 'renamed', reason: 'admin', session_id: 'second' },
        { at: ago({ minutes: 5 }), username: 'ann' },
      );
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      expect(rows).toHaveLength(100);
      expect(columns(rows.slice(0, 4), 'at', 'what', 'detail', 'session_id')).toEqual([
        [ago({ minutes: 6 }), 'logout', 'admin', 'second'],
        [ago({ minutes: 7 }), 'logout', 'logout', 'first'],
        [ago({ minutes: 8 }), 'login', 'success', 'first'],
        [ago({ minutes: 9 }), 'login', 'bad_credentials', null],
      ]);
      expectNewestFirst(rows.map((row) => row['at']));
      expect(new Set(rows.map((row) => row['what']))).toEqual(new Set(['login', 'logout']));
    },
  },
  {
    title: 'One address across users',
    async plant(session) {
      const here = { ip_address: BUSY_ADDRESS };
      await plantLogins(
        session,
        { at: ago({ minutes: 30 }), ...here },
        { at: ago({ minutes: 20 }), ...here },
        { at: ago({ minutes: 10 }), ...here, outcome: 'bad_credentials' },
        { at: ago({ minutes: 9 }), ...here, outcome: 'throttled' },
        { at: ago({ minutes: 3 }), ip_address: '203.0.113.70' },
      );
      await plantLogouts(session, { at: ago({ minutes: 5 }), ...here });
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      expect(rows[0]).toEqual({
        username: 'ann',
        signed_in: '2',
        failed: '2',
        ended: '1',
        first_seen: ago({ minutes: 30 }),
        last_seen: ago({ minutes: 5 }),
      });
      // Of a busy address the last thousand of each, as the page says.
      const sum = (...names: string[]): number =>
        columns(rows, ...names)
          .flat()
          .reduce<number>((total, value) => total + Number(value), 0);
      expect(sum('signed_in', 'failed')).toBe(1000);
      expect(sum('ended')).toBe(1000);
      expectNewestFirst(rows.map((row) => row['last_seen']));
    },
  },
  {
    title: 'One IPv6 network across users',
    async plant(session) {
      await plantLogins(
        session,
        { at: ago({ days: 90 }), ip_address: '2001:db8:1:2::1' },
        { at: ago({ days: 2 }), ip_address: '2001:db8:1:2:ffff::2' },
        { at: ago({ days: 1 }), ip_address: '2001:db8:1:2::3', username: 'ben', outcome: 'bad_credentials' },
        { at: ago({ hours: 1 }), ip_address: '2001:db8:1:20::1', username: 'another network' },
        { at: ago({ hours: 1 }), ip_address: '2001:db8:1:1::2', username: 'another network' },
      );
      await plantLogouts(session, { at: ago({ days: 3 }), ip_address: '2001:db8:1:2::1' });
    },
    async check(session, sql) {
      const names = ['username', 'signed_in', 'failed', 'ended', 'addresses', 'first_seen', 'last_seen'];
      expect(columns(await session.rows(sql), ...names)).toEqual([
        ['ben', '0', '1', '0', '1', ago({ days: 1 }), ago({ days: 1 })],
        ['ann', '2', '0', '1', '2', ago({ days: 90 }), ago({ days: 2 })],
      ]);
    },
  },
  {
    title: 'Sign-outs by day and reason',
    readsIndexAlone: ['logout_activity'],
    async plant(session) {
      // Reasons that the million rows have not. A day ends at midnight UTC, the answer 30 days ago to the second.
      await plantLogouts(
        session,
        { at: '2026-11-23 00:00:00.000', reason: 'admin' },
        { at: '2026-11-22 23:59:59.999', reason: 'admin' },
        { at: '2026-11-22 00:00:00.000', reason: 'admin' },
        { at: '2026-11-22 12:00:00.000', reason: 'evicted' },
        { at: ago({ days: 30 }), reason: 'admin' },
        { at: ago({ days: 30, seconds: 1 }), reason: 'evicted' },
      );
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      const planted = rows.filter(({ reason }) => reason === 'admin' || reason === 'evicted');
      expect(columns(planted, 'day', 'reason', 'sessions')).toEqual([
        ['2026-11-23', 'admin', '1'],
        ['2026-11-22', 'admin', '2'],
        ['2026-11-22', 'evicted', '1'],
        ['2026-10-24', 'admin', '1'],
      ]);
      // 31 days, as the first and the last are parts of days; two reasons each.
      const others = rows.filter((row) => !planted.includes(row));
      expect(new Set(others.map((row) => row['day'])).size).toBe(31);
      expect(new Set(others.map((row) => row['reason']))).toEqual(new Set(['logout', 'replaced']));
      const [counted] = await session.rows(
        "SELECT COUNT(*) AS n FROM logout_activity WHERE logged_out_at LIKE '2026-11-10 %' AND reason = 'logout'",
      );
      const shown = others.find((row) => row['day'] === '2026-11-10' && row['reason'] === 'logout');
      expect(shown?.['sessions']).toBe(counted?.['n']);
      expectNewestFirst(rows.map((row) => row['day']));
    },
  },
];

function expectNewestFirst(times: readonly unknown[]): void {
  expect(times).toEqual([...times].sort().reverse());
}
