import { expect } from 'vitest';
import { BUSY_USER } from './generate-rows.ts';
import { ago, plantLogins, plantLogouts, plantUser, type PlantedLogin } from './planted.ts';
import { columns, type Question } from './question.ts';

const busy = { user_id: BUSY_USER.id, username: BUSY_USER.username };

/** One failure each minute, the last one so many minutes ago. */
const failures = (count: number, lastMinutesAgo: number, told: Partial<PlantedLogin>): PlantedLogin[] =>
  Array.from({ length: count }, (_, i) => ({
    at: ago({ minutes: lastMinutesAgo + i }),
    outcome: 'bad_credentials',
    ...told,
  }));

export const WHAT_TO_LOOK_INTO: Question[] = [
  {
    title: 'Failed tries before a sign-in',
    async plant(session) {
      const yesterday = 23 * 60 + 55;
      await plantLogins(
        session,
        // The busiest user, of whom there is most to read.
        ...failures(6, 31, { ...busy, ip_address: '192.0.2.2' }),
        { at: ago({ minutes: 30 }), ...busy, session_id: 'guessed' },
        // Five are enough, from several addresses, and the first of them before the day began.
        ...failures(3, yesterday + 30, { username: 'five', ip_address: '192.0.2.3' }),
        ...failures(2, yesterday + 10, { username: 'five', ip_address: '192.0.2.4' }),
        { at: ago({ minutes: yesterday }), username: 'five', session_id: 'five' },
        ...failures(4, 31, { username: 'four' }),
        { at: ago({ minutes: 30 }), username: 'four' },
        ...failures(5, 10, { username: 'afterwards' }),
        { at: ago({ minutes: 30 }), username: 'afterwards' },
        ...failures(5, 91, { username: 'an hour before' }),
        { at: ago({ minutes: 30 }), username: 'an hour before' },
        ...failures(5, 31, { username: 'never in' }),
        ...failures(5, 31, { username: 'closed', outcome: 'inactive' }),
        { at: ago({ minutes: 30 }), username: 'closed' },
        ...failures(5, 25 * 60 + 31, { username: 'the day before' }),
        { at: ago({ minutes: 25 * 60 + 30 }), username: 'the day before' },
      );
    },
    async check(session, sql) {
      const names = ['username', 'session_id', 'signed_in_at', 'failures_before', 'from_addresses'];
      expect(columns(await session.rows(sql), ...names)).toEqual([
        [BUSY_USER.username, 'guessed', ago({ minutes: 30 }), '6', '1'],
        ['five', 'five', ago({ hours: 23, minutes: 55 }), '5', '2'],
      ]);
    },
  },
  {
    title: 'Addresses that fail on many names',
    async plant(session) {
      await plantLogins(
        session,
        ...failures(2, 10, { username: 'ann', ip_address: '192.0.2.2' }),
        { at: ago({ minutes: 5 }), username: 'ben', ip_address: '192.0.2.2', outcome: 'throttled' },
        { at: ago({ minutes: 9 }), username: 'cat', ip_address: '192.0.2.2', outcome: 'bad_credentials' },
        ...failures(1, 20, { username: 'dan', ip_address: '192.0.2.3' }),
        ...failures(1, 23 * 60, { username: 'eve', ip_address: '192.0.2.3' }),
        ...failures(9, 10, { username: 'one name', ip_address: '192.0.2.4' }),
        ...failures(1, 10, { username: 'got in', ip_address: '192.0.2.5' }),
        { at: ago({ minutes: 9 }), username: 'got in too', ip_address: '192.0.2.5' },
        ...failures(1, 10, { username: 'today', ip_address: '192.0.2.6' }),
        ...failures(1, 24 * 60 + 1, { username: 'yesterday', ip_address: '192.0.2.6' }),
      );
    },
    async check(session, sql) {
      expect(columns(await session.rows(sql), 'ip_address', 'failures', 'names', 'last_at')).toEqual([
        ['192.0.2.2', '4', '3', ago({ minutes: 5 })],
        ['192.0.2.3', '2', '2', ago({ minutes: 20 })],
      ]);
    },
  },
  {
    title: 'Sign-ins from unusual countries',
    async plant(session) {
      let userId = 6_000_000;
      const user = (username: string, ...logins: PlantedLogin[]): PlantedLogin[] => {
        userId += 1;
        return logins.map((login) => ({ user_id: String(userId), username, ...login }));
      };
      const from = (country: string | null, ...days: number[]): PlantedLogin[] =>
        days.map((day) => ({ at: ago({ days: day, hours: 1 }), country }));
      const today = (country: string | null, hours = 1): PlantedLogin => ({ at: ago({ hours }), country });
      await plantLogins(
        session,
        { ...today('NZ', 2), ...busy },
        ...user('never', ...from('DE', 10), { ...today('NZ', 3), ip_address: '192.0.2.8' }, today('NZ', 5)),
        ...user('seldom', ...from('DE', 5, 6, 7), ...from('NZ', 8, 9), today('NZ', 4)),
        ...user('long ago', ...from('NZ', 92, 93, 94), ...from('DE', 5), today('NZ', 6)),
        ...user('both', ...from('DE', 5), today('DE', 1), today('NZ', 7)),
        // And these are as usual.
        ...user('third time', ...from('DE', 5, 6, 7, 8, 9), ...from('NZ', 10, 11, 12), today('NZ')),
        ...user('as often', ...from('DE', 5), ...from('NZ', 6), today('NZ')),
        ...user('few', ...from('DE', 80), today('DE')),
        ...user('new', today('NZ', 2), today('DE')),
        ...user('away for long', ...from('DE', 92), today('NZ')),
        ...user('failed', ...from('DE', 5), { ...today('NZ'), outcome: 'bad_credentials' }),
        ...user('failed before', ...failures(1, 9000, { country: 'DE' }), today('NZ')),
        ...user('not told', ...from('DE', 5), today(null)),
        ...user('not told before', ...from(null, 5), today('NZ')),
        ...user('yesterday', ...from('DE', 5), ...from('NZ', 1)),
      );
    },
    async check(session, sql) {
      const rows = await session.rows(sql);
      const names = ['username', 'country', 'sign_ins', 'last_at', 'from_there_before'];
      expect(columns(rows, ...names)).toEqual([
        [BUSY_USER.username, 'NZ', '1', ago({ hours: 2 }), '0'],
        ['never', 'NZ', '2', ago({ hours: 3 }), '0'],
        ['seldom', 'NZ', '1', ago({ hours: 4 }), '2'],
        ['long ago', 'NZ', '1', ago({ hours: 6 }), '0'],
        ['both', 'NZ', '1', ago({ hours: 7 }), '0'],
      ]);
      expect(columns(rows.slice(1, 3), 'an_address', 'first_at', 'sign_ins_before')).toEqual([
        ['192.0.2.8', ago({ hours: 5 }), '1'],
        ['192.0.2.1', ago({ hours: 4 }), '5'],
      ]);
    },
  },
  {
    title: 'Sessions that ended at another address',
    async plant(session) {
      const began = { at: ago({ days: 20 }) };
      await plantLogins(
        session,
        { ...began, session_id: 'moved' },
        { ...began, session_id: 'stayed' },
        { ...began, session_id: 'by an operator' },
        { ...began, session_id: 'last week' },
      );
      await plantLogouts(
        session,
        { at: ago({ minutes: 5 }), session_id: 'moved', ip_address: '192.0.2.9', reason: 'logout_others' },
        { at: ago({ minutes: 4 }), session_id: 'stayed' },
        { at: ago({ minutes: 3 }), session_id: 'by an operator', ip_address: null, reason: 'admin' },
        { at: ago({ minutes: 2 }), session_id: 'not known', ip_address: '192.0.2.9' },
        { at: ago({ days: 7 }), session_id: 'last week', ip_address: '192.0.2.9' },
      );
    },
    async check(session, sql) {
      expect(await session.rows(sql)).toEqual([
        {
          username: 'ann',
          signed_in_at: ago({ days: 20 }),
          signed_in_from: '192.0.2.1',
          logged_out_at: ago({ minutes: 5 }),
          signed_out_from: '192.0.2.9',
          reason: 'logout_others',
        },
      ]);
    },
  },
  {
    title: 'Sign-ins without a sign-out',
    async plant(session) {
      await plantLogins(
        session,
        { at: ago({ minutes: 20 }), session_id: 'open' },
        { at: ago({ hours: 23 }), session_id: 'open for long', username: 'ben' },
        { at: ago({ hours: 22 }), session_id: 'expired' },
        { at: ago({ minutes: 10 }), session_id: 'ended' },
        { at: ago({ minutes: 5 }), outcome: 'bad_credentials' },
        { at: ago({ hours: 25 }), session_id: 'yesterday' },
      );
      await plantLogouts(
        session,
        { at: ago({ minutes: 1 }), session_id: 'ended' },
        { at: ago({ hours: 20 }), session_id: 'expired', reason: 'expired_idle' },
      );
    },
    async check(session, sql) {
      expect(columns(await session.rows(sql), 'occurred_at', 'username', 'session_id')).toEqual([
        [ago({ minutes: 20 }), 'ann', 'open'],
        [ago({ hours: 23 }), 'ben', 'open for long'],
      ]);
    },
  },
  {
    title: 'Rows written late',
    async plant(session) {
      await plantLogouts(
        session,
        { at: ago({ hours: 3 }), recorded_at: ago({ hours: 1 }) },
        { at: ago({ minutes: 10 }), recorded_at: ago({ minutes: 8 }), username: 'two minutes' },
        // As the cron does it.
        {
          at: ago({ minutes: 20 }),
          recorded_at: ago({ minutes: 18, seconds: 30 }),
          username: 'expired',
          reason: 'expired_idle',
        },
        { at: ago({ hours: 25 }), recorded_at: ago({ hours: 1 }), username: 'yesterday' },
      );
      await plantLogins(session, {
        at: ago({ hours: 2 }),
        recorded_at: ago({ hours: 1, minutes: 57, seconds: 59 }),
        username: 'ben',
        outcome: 'throttled',
      });
    },
    async check(session, sql) {
      const names = ['what', 'username', 'happened_at', 'recorded_at', 'late_seconds'];
      expect(columns(await session.rows(sql), ...names)).toEqual([
        ['login', 'ben', ago({ hours: 2 }), ago({ hours: 1, minutes: 57, seconds: 59 }), '121'],
        ['logout', 'ann', ago({ hours: 3 }), ago({ hours: 1 }), '7200'],
      ]);
    },
  },
  {
    title: 'Accounts that nobody uses',
    readsWhole: ['users'],
    async plant(session) {
      const old = { created_at: ago({ days: 800 }) };
      await plantUser(session, { ...old, username: 'a year', last_login_at: ago({ days: 366 }) });
      await plantUser(session, { ...old, username: 'never', last_login_at: null });
      await plantUser(session, { ...old, username: 'within it', last_login_at: ago({ days: 364 }) });
      await plantUser(session, { ...old, username: 'disabled', last_login_at: null, is_active: 0 });
      await plantUser(session, { created_at: ago({ days: 1 }), username: 'new', last_login_at: null });
    },
    async check(session, sql) {
      expect(columns(await session.rows(sql), 'username', 'last_login_at', 'created_at')).toEqual([
        ['never', null, ago({ days: 800 })],
        ['a year', ago({ days: 366 }), ago({ days: 800 })],
      ]);
    },
  },
];
