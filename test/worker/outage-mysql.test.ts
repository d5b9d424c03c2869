import { describe, expect, test } from 'vitest';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { addUser, eventually, loginRows, logoutRows } from '../support/people.ts';
import { useStage } from '../support/stage.ts';

const stage = useStage();

const ANSWER_DEADLINE_MS = 5000;

const OUTAGES: [string, Fault][] = [
  ['refused', { kind: 'refuse' }],
  ['hanging', { kind: 'hang' }],
  ['answering 500', { kind: 'status', status: 500 }],
  [
    'answering 503 in HTML',
    { kind: 'status', status: 503, body: '<h1>Sorry</h1>', contentType: 'text/html' },
  ],
  [
    'answering 200 with nonsense',
    { kind: 'status', status: 200, body: '<h1>Hi</h1>', contentType: 'text/html' },
  ],
  ['losing answers', { kind: 'lose-answer' }],
];

describe.each(OUTAGES)('MySQL %s', (_, fault) => {
  test('sessions work, and a logout has its row once MySQL is back', async () => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    await visitor.signIn(user);
    await stage.worker.delivered();
    stage.cloud.faults.set('mysql', fault);
    const startedAtMs = performance.now();
    for (const path of ['/', '/healthz', '/home/', '/logout/']) {
      expect((await visitor.get(path)).status, path).toBe(200);
    }
    expect((await stage.worker.visitor().get('/sign-in/')).status).toBe(200);
    const leftAfterMs = Date.now();
    const answer = await visitor.logOut();
    const leftBeforeMs = Date.now();
    expect(answer).toMatchObject({ status: 303, location: '/' });
    // Nobody waits for MySQL here at all.
    expect(performance.now() - startedAtMs).toBeLessThan(ANSWER_DEADLINE_MS);
    expect(await visitor.isSignedIn()).toBe(false);

    stage.cloud.faults.clear();
    await stage.worker.scheduled();
    await stage.worker.delivered();
    const rows = await logoutRows(stage.cloud, user);
    expect(rows).toMatchObject([{ reason: 'logout', ip_address: visitor.ipAddress }]);
    // When it happened, not when it was written.
    const loggedOutAtMs = Date.parse(`${String(rows[0]?.['logged_out_at']).replace(' ', 'T')}Z`);
    expect(loggedOutAtMs).toBeGreaterThanOrEqual(leftAfterMs);
    expect(loggedOutAtMs).toBeLessThanOrEqual(leftBeforeMs);
  });

  test('a sign-in says 503 in time, and costs no attempt', async () => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    const page = await visitor.get('/sign-in/');
    const { username, password } = user;
    stage.cloud.faults.set('mysql', fault);
    // As many as would fill the counter.
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const startedAtMs = performance.now();
        const answer = await visitor.submit(page, { username, password });
        expect(performance.now() - startedAtMs).toBeLessThan(ANSWER_DEADLINE_MS);
        return answer;
      }),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
      expect(answer.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
      expect(answer.body).toContain('role="alert"');
    }
    stage.cloud.faults.clear();
    // The attempts are given back behind the answers.
    await eventually(async () => {
      const again = await visitor.submit(page, { username, password });
      expect(again.status).toBe(303);
    });
  });
});

test('a sign-in whose record cannot be written works, and is recorded later', async () => {
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
  stage.cloud.faults.set('mysql', {
    kind: 'refuse',
    match: (call) => call.store === 'mysql' && /^(?:INSERT|UPDATE)/.test(call.sql),
  });
  await visitor.signIn(user);
  expect((await stage.worker.visitor().trySignIn({ ...user, password: 'wrong' })).status).toBe(401);
  await stage.cloud.settled();
  stage.cloud.faults.clear();
  await stage.worker.scheduled();
  await stage.worker.delivered();
  const rows = await loginRows(stage.cloud, user.username);
  expect(rows.map((row) => row['outcome'])).toEqual(['success', 'bad_credentials']);
  const [person] = await stage.cloud.query('SELECT last_login_at FROM users WHERE id = ?', [user.id]);
  expect(person?.['last_login_at']).toBe(rows[0]?.['occurred_at']);
});

test('many logouts during an outage all have their row, oldest first, in one run of the cron', async () => {
  const people = await Promise.all(Array.from({ length: 12 }, () => addUser(stage.cloud)));
  const visitors = await Promise.all(
    people.map(async (user) => {
      const visitor = stage.worker.visitor();
      await visitor.signIn(user);
      return visitor;
    }),
  );
  await stage.worker.delivered();
  stage.cloud.faults.set('mysql', { kind: 'refuse' });
  for (const visitor of visitors) expect((await visitor.logOut()).status).toBe(303);
  await stage.worker.scheduled();
  for (const user of people) expect(await logoutRows(stage.cloud, user)).toEqual([]);
  await stage.cloud.settled();
  stage.cloud.faults.clear();
  stage.cloud.calls.length = 0;
  await stage.worker.scheduled();
  for (const user of people) expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  const [first] = stage.cloud.calls.filter((call) => call.store === 'mysql');
  const order = people.map((user) =>
    first?.store === 'mysql' ? first.sql.indexOf(`'${user.username}'`) : -1,
  );
  expect(order).toEqual([...order].sort((a, b) => a - b));
});
