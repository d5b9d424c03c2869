import { expect, test } from 'vitest';
import { addUser, logoutRows } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { VisitorOptions } from '../support/visitor.ts';

const environment = useTestEnvironment();

/** Signs in from another address, signs out as this visitor, and reads the row back from the database. */
async function recordedSignOut(options: VisitorOptions) {
  const user = await addUser(environment.cloud);
  const visitor = environment.worker.visitor({ ...options, headers: {}, ipAddress: '192.0.2.200' });
  await visitor.signIn(user);
  const home = await visitor.get('/home/');
  const leaving = environment.worker.visitor(options);
  for (const cookie of await visitor.jar.getCookies(visitor.origin))
    await leaving.setCookie(cookie.toString());
  const beforeMs = Date.now();
  expect((await leaving.submit(home)).status).toBe(303);
  const afterMs = Date.now();
  await environment.worker.delivered();
  const rows = await logoutRows(environment.cloud, user);
  expect(rows).toHaveLength(1);
  return { user, row: rows[0] ?? {}, beforeMs, afterMs };
}

test('the row says who, which session, from where, with which browser, why and when', async () => {
  const { user, row, beforeMs, afterMs } = await recordedSignOut({
    ipAddress: '203.0.113.9',
    headers: { 'User-Agent': 'Mozilla/5.0 (test; ~)', 'CF-IPCountry': 'DE' },
    cf: { country: 'NL' },
  });
  expect(row).toMatchObject({
    user_id: user.id,
    username: user.username,
    ip_address: '203.0.113.9',
    user_agent: 'Mozilla/5.0 (test; ~)',
    country: 'NL',
    reason: 'logout',
  });
  expect(row['id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  // UTC, not local time; of the sign-out, not of the writing.
  const loggedOutAtMs = Date.parse(`${String(row['logged_out_at']).replace(' ', 'T')}Z`);
  expect(loggedOutAtMs).toBeGreaterThanOrEqual(beforeMs);
  expect(loggedOutAtMs).toBeLessThanOrEqual(afterMs);
  expect(row['logged_out_at']).toMatch(/\.\d{3}$/);
  const [login] = await environment.cloud.query('SELECT session_id FROM login_activity WHERE user_id = ?', [
    user.id,
  ]);
  expect(row['session_id']).toBe(login?.['session_id']);
});

test.each<[string, VisitorOptions, string | null]>([
  ['IPv4', { ipAddress: '198.51.100.4' }, '198.51.100.4'],
  ['IPv6, compressed', { ipAddress: '2001:DB8:0:0:0:0:0:00aB' }, '2001:db8::ab'],
  [
    'CF-Connecting-IPv6 instead of a Pseudo IPv4',
    { ipAddress: '246.11.22.33', headers: { 'CF-Connecting-IPv6': '2001:0db8::0001' } },
    '2001:db8::1',
  ],
  [
    'an ordinary IPv4 despite CF-Connecting-IPv6',
    { ipAddress: '198.51.100.5', headers: { 'CF-Connecting-IPv6': '2001:db8::66' } },
    '198.51.100.5',
  ],
  [
    'forwarding headers are ignored',
    {
      ipAddress: '198.51.100.6',
      headers: {
        'X-Forwarded-For': '10.6.6.6',
        Forwarded: 'for=10.6.6.6',
        'X-Real-IP': '10.6.6.6',
        'True-Client-IP': '10.6.6.6',
      },
    },
    '198.51.100.6',
  ],
  ['an invalid address is NULL', { ipAddress: '999.1.1.1' }, null],
])('address: %s', async (_, options, expected) => {
  const { row } = await recordedSignOut(options);
  expect(row['ip_address']).toBe(expected);
});

test.each<[string, VisitorOptions, string | null]>([
  ['from request.cf', { headers: { 'CF-IPCountry': 'T1' }, cf: { country: 'NL' } }, 'NL'],
  ['without the header, too', { cf: { country: 'SE' } }, 'SE'],
])('country: %s', async (_, options, expected) => {
  const { row } = await recordedSignOut(options);
  expect(row['country']).toBe(expected);
});

test.each<[string, string, string | null]>([
  ['unchanged', 'curl/8.5.0', 'curl/8.5.0'],
  ['NULL if there is none', '', null],
  ['cut at 512 characters', 'a'.repeat(600), 'a'.repeat(512)],
])('user agent: %s', async (_, agent, expected) => {
  const { row } = await recordedSignOut({ headers: { 'User-Agent': agent } });
  expect(row['user_agent']).toBe(expected);
});

test('a user agent that is SQL stays text', async () => {
  const agent = `'); DROP TABLE logout_activity; -- \\' "`;
  const { row } = await recordedSignOut({ headers: { 'User-Agent': agent } });
  expect(row['user_agent']).toBe(agent);
});

test('a user agent in no valid encoding still gets its row', async () => {
  const { row } = await recordedSignOut({ headers: { 'User-Agent': 'R\u00e4uber\u00ff\u00fe' } });
  expect(row['user_agent']).toMatch(/^R/);
});
