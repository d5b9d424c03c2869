import { describe, expect, test } from 'vitest';
import type { SessionKind } from '../../src/session/session.ts';
import { ApiCaller } from '../support/api.ts';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const LIMIT = 3;

const environment = useTestEnvironment({ MAX_SESSIONS_PER_USER: String(LIMIT) });

/** Sessions of one user, the oldest sign-in first; by last use the order is the reverse. */
async function seedKinds(kinds: SessionKind[]) {
  const user = await addUser(environment.cloud);
  const nowMs = Date.now();
  const seeded = [];
  for (const [i, kind] of kinds.entries()) {
    const createdAtMs = nowMs - 60_000 * (kinds.length - i);
    seeded.push(
      await seedSession(environment.cloud, user, { kind, createdAtMs, lastSeenAtMs: nowMs - 1000 * i }),
    );
  }
  return { user, seeded };
}

async function isOpen(token: string, kind: SessionKind): Promise<boolean> {
  const visitor = environment.worker.visitor();
  if (kind === 'cookie') await visitor.setCookie(`sessionid=${token}; Path=/; Secure`);
  const caller = new ApiCaller(visitor, kind === 'bearer' ? token : undefined);
  return (await caller.get('/sessions/current')).status === 200;
}

const signInToApi = (username: string) =>
  new ApiCaller(environment.worker.visitor()).post('/sessions', { username, password: PASSWORD });

describe('one more than the limit ends the oldest by created_at, cookies and bearers alike', () => {
  test.each<[SessionKind, SessionKind, SessionKind]>([
    ['cookie', 'bearer', 'bearer'],
    ['bearer', 'cookie', 'cookie'],
  ])('the oldest is a %s', async (...kinds) => {
    const { user, seeded } = await seedKinds(kinds);
    const app = await signInToApi(user.username);
    expect(app.status).toBe(201);
    const browser = environment.worker.visitor();
    await browser.signIn(user);
    const { sessions } = (await new ApiCaller(environment.worker.visitor(), app.body.token).get('/sessions'))
      .body;
    expect(sessions.map((each) => each.id)).toEqual([
      expect.not.stringMatching(app.body.session.id),
      app.body.session.id,
      seeded[2]?.session.id,
    ]);
    for (const { token, session } of seeded.slice(0, 2))
      expect(await isOpen(token, session.kind)).toBe(false);
    await environment.worker.delivered();
    expect(await logoutRows(environment.cloud, user)).toMatchObject([
      // Each from the request that evicted it.
      { reason: 'evicted', session_id: seeded[0]?.session.id },
      { reason: 'evicted', session_id: seeded[1]?.session.id, ip_address: browser.ipAddress },
    ]);
  });
});

test("expired sessions don't count", async () => {
  const { user, seeded } = await seedKinds(['cookie', 'bearer', 'cookie']);
  await environment.cloud.redis.del(`session:${seeded[2]?.tokenHash}`);
  expect((await signInToApi(user.username)).status).toBe(201);
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, user)).toEqual([]);
});

test('a lowered limit ends all sessions beyond it at the next sign-in', async () => {
  const { user, seeded } = await seedKinds(['cookie', 'bearer', 'cookie', 'bearer', 'cookie']);
  await signInToApi(user.username);
  await environment.worker.delivered();
  const rows = await logoutRows(environment.cloud, user);
  expect(new Set(rows.map((row) => row['session_id']))).toEqual(
    new Set(seeded.slice(0, 3).map((each) => each.session.id)),
  );
  expect(rows.map((row) => row['reason'])).toEqual(['evicted', 'evicted', 'evicted']);
});

test('a replaced session makes room for the new one', async () => {
  const { user, seeded } = await seedKinds(['bearer', 'bearer']);
  const visitor = environment.worker.visitor();
  await visitor.signIn(user);
  const csrf = await visitor.cookie('csrftoken');
  const { username, password } = user;
  const again = await visitor.post('/sign-in/', { username, password }, { 'X-CSRFToken': csrf });
  expect(again.status).toBe(303);
  await environment.worker.delivered();
  expect((await logoutRows(environment.cloud, user)).map((row) => row['reason'])).toEqual(['replaced']);
  const app = new ApiCaller(environment.worker.visitor(), seeded[0]?.token);
  expect((await app.get('/sessions')).body.sessions).toHaveLength(3);
});

test('sign-ins at the same time never exceed the limit, and each evicted session has one row', async () => {
  const user = await addUser(environment.cloud);
  const responses = await Promise.all(Array.from({ length: 6 }, () => signInToApi(user.username)));
  // On a busy machine the store's replies may be late: such a sign-in is a 503 and leaves no session.
  const started = responses.filter(({ status }) => status === 201).map(({ body }) => body);
  expect(started.length).toBeGreaterThan(0);
  const open: string[] = [];
  for (const { token, session } of started) {
    const { status } = await new ApiCaller(environment.worker.visitor(), token).get('/sessions/current');
    if (status === 200) open.push(session.id);
  }
  expect(open.length).toBeLessThanOrEqual(LIMIT);
  if (started.length === responses.length) expect(open).toHaveLength(LIMIT);
  // The cron delivers the events of a start that was sent twice.
  await environment.worker.scheduled();
  await environment.worker.delivered();
  const known = new Set(started.map((each) => each.session.id));
  const rows = await logoutRows(environment.cloud, user);
  const ended = rows.map((row) => String(row['session_id'])).filter((id) => known.has(id));
  expect([...open, ...ended].sort()).toEqual([...known].sort());
});
