import { describe, expect, test } from 'vitest';
import { uuidV7 } from '../../src/lib/ids.ts';
import { ApiCaller, type LogoutBody } from '../support/api.ts';
import { addUser, logoutRows, type TestUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

async function appOf(user: TestUser): Promise<ApiCaller> {
  const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
  return new ApiCaller(environment.worker.visitor({ cf: { country: 'DE' } }), token);
}

/** Rows as delivery writes them, oldest first; `perTime` of them share each time. */
async function addRows(user: TestUser, count: number, perTime = 1): Promise<string[]> {
  const startedAtMs = Date.now() - 1_000_000;
  const rows = Array.from({ length: count }, (_, i) => {
    const atMs = startedAtMs + Math.floor(i / perTime);
    const at = new Date(atMs).toISOString().slice(0, 23).replace('T', ' ');
    return [uuidV7(atMs), user.id, user.username, `session-${user.id}-${i}`, 'logout', at];
  });
  await environment.cloud.query(
    'INSERT INTO logout_activity (id, user_id, username, session_id, reason, logged_out_at) VALUES ?',
    [rows],
  );
  // In the order of the pages, reversed: by time, then by id.
  return rows
    .sort((a, b) => String(a[5]).localeCompare(String(b[5])) || (a[0] ?? '').localeCompare(b[0] ?? ''))
    .map(([id]) => id ?? '');
}

/** Follows `next_before` through all pages. */
async function readPages(app: ApiCaller, limit: number): Promise<LogoutBody[][]> {
  const pages: LogoutBody[][] = [];
  for (let before: string | null = ''; before !== null;) {
    const query: string = before === '' ? '' : `&before=${encodeURIComponent(before)}`;
    const { status, body } = await app.get(`/logouts?limit=${limit}${query}`);
    expect(status).toBe(200);
    pages.push(body.logouts);
    expect(pages.length).toBeLessThan(50);
    before = body.next_before;
  }
  return pages;
}

test('the log-outs of the receipts with the client that asked, newest first', async () => {
  const user = await addUser(environment.cloud);
  const app = await appOf(user);
  const other = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const visitor = environment.worker.visitor({ headers: { 'User-Agent': 'App/1' }, cf: { country: 'SE' } });
  const first = (await new ApiCaller(visitor, other.token).delete('/sessions/current')).body.logouts[0];
  const another = await seedSession(environment.cloud, user);
  const second = (await app.delete(`/sessions/${another.session.id}`)).body.logouts[0];
  await environment.worker.delivered();
  const { body } = await app.get('/logouts');
  expect(body).toEqual({
    logouts: [
      { ...second, ip_address: app.visitor.ipAddress, user_agent: 'Mozilla/5.0 (test)', country: 'DE' },
      { ...first, ip_address: visitor.ipAddress, user_agent: 'App/1', country: 'SE' },
    ],
    next_before: null,
  });
});

test("only the user's own", async () => {
  const [user, stranger] = [await addUser(environment.cloud), await addUser(environment.cloud)];
  await addRows(stranger, 3);
  const [own] = await addRows(user, 1);
  const app = await appOf(user);
  expect((await app.get('/logouts')).body.logouts.map((each) => each.id)).toEqual([own]);
  // Another user's cursor shows none of their rows.
  const theirs = (await (await appOf(stranger)).get('/logouts?limit=1')).body.next_before;
  const { logouts } = (await app.get(`/logouts?before=${theirs}`)).body;
  for (const each of logouts) expect(each.id).toBe(own);
});

describe('pages', () => {
  test('of any size show each row once, in order, even if many share a time', async () => {
    const user = await addUser(environment.cloud);
    const ids = (await addRows(user, 23, 5)).reverse();
    const app = await appOf(user);
    for (const limit of [1, 3, 5, 22, 23, 100]) {
      const pages = await readPages(app, limit);
      expect(pages.flat().map((each) => each.id)).toEqual(ids);
      // Only the last page may be short, and none is empty.
      expect(pages.map((page) => page.length)).toEqual([
        ...Array<number>(Math.ceil(23 / limit) - 1).fill(limit),
        23 - limit * (Math.ceil(23 / limit) - 1),
      ]);
    }
  });

  test('do not shift when newer rows arrive', async () => {
    const user = await addUser(environment.cloud);
    const ids = (await addRows(user, 6)).reverse();
    const app = await appOf(user);
    const first = (await app.get('/logouts?limit=3')).body;
    const other = await seedSession(environment.cloud, user);
    await app.delete(`/sessions/${other.session.id}`);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toHaveLength(7);
    const second = (await app.get(`/logouts?limit=3&before=${first.next_before}`)).body;
    expect([...first.logouts, ...second.logouts].map((each) => each.id)).toEqual(ids);
    expect(second.next_before).toBeNull();
  });

  test('have 20 rows by default, and 1 to 100 on request', async () => {
    const user = await addUser(environment.cloud);
    await addRows(user, 105);
    const app = await appOf(user);
    for (const [query, count] of [
      ['', 20],
      ['?limit=1', 1],
      ['?limit=100', 100],
    ] as const) {
      expect((await app.get(`/logouts${query}`)).body.logouts).toHaveLength(count);
    }
  });
});

describe('a bad query is a 400 that names it', () => {
  const UUID = '01989f8e-0000-7000-8000-000000000000';

  test.each([
    '0',
    '101',
    '-1',
    '1.5',
    '1e1',
    '0x10',
    'ten',
    '',
    '%2020',
    '1&limit=2',
    '99999999999999999999',
  ])('limit=%s', async (limit) => {
    const app = await appOf(await addUser(environment.cloud));
    const { status, body } = await app.get(`/logouts?limit=${limit}`);
    expect(status).toBe(400);
    expect(body.errors.map((error) => error.field)).toEqual(['limit']);
  });

  test.each([
    'x',
    '1',
    UUID,
    `.${UUID}`,
    `-1.${UUID}`,
    `1.${UUID}'`,
    `1.${UUID}%00`,
    `1.${UUID.toUpperCase().replace('F', 'G')}`,
    `x.${UUID}`,
    // A time outside of DATETIME's range.
    `999999999999999.${UUID}`,
    `9999999999999999.${UUID}`,
    `1.${UUID}&before=1.${UUID}`,
  ])('before=%s', async (before) => {
    const app = await appOf(await addUser(environment.cloud));
    const { status, body } = await app.get(`/logouts?before=${before}`);
    expect(status).toBe(400);
    expect(body.errors.map((error) => error.field)).toEqual(['before']);
  });
});
