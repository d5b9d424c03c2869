import { describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';

const LIMIT = 3;

const stage = useStage({ MAX_SESSIONS_PER_USER: String(LIMIT) });

/** Sessions of one user, the oldest first by the time of sign-in; by last use it is the other way round. */
async function seedKinds(kinds: ('cookie' | 'bearer')[]) {
  const user = await addUser(stage.cloud);
  const nowMs = Date.now();
  const seeded = [];
  for (const [i, kind] of kinds.entries()) {
    const createdAtMs = nowMs - 60_000 * (kinds.length - i);
    seeded.push(await seedSession(stage.cloud, user, { kind, createdAtMs, lastSeenAtMs: nowMs - 1000 * i }));
  }
  return { user, seeded };
}

const signInToApi = (username: string) =>
  new ApiCaller(stage.worker.visitor()).post('/sessions', { username, password: PASSWORD });

describe('one more than the limit ends the oldest by created_at, cookie and bearer together', () => {
  test.each<['cookie' | 'bearer', 'cookie' | 'bearer', 'cookie' | 'bearer']>([
    ['cookie', 'bearer', 'bearer'],
    ['bearer', 'cookie', 'cookie'],
  ])('the oldest a %s', async (...kinds) => {
    const { user, seeded } = await seedKinds(kinds);
    const app = await signInToApi(user.username);
    expect(app.status).toBe(201);
    const browser = stage.worker.visitor();
    await browser.signIn(user);
    const { sessions } = (await new ApiCaller(stage.worker.visitor(), app.body.token).get('/sessions')).body;
    expect(sessions.map((each) => each.id)).toEqual([
      expect.not.stringMatching(app.body.session.id),
      app.body.session.id,
      seeded[2]?.session.id,
    ]);
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toMatchObject([
      // Each from the request that pushed it out.
      { reason: 'evicted', session_id: seeded[0]?.session.id },
      { reason: 'evicted', session_id: seeded[1]?.session.id, ip_address: browser.ipAddress },
    ]);
  });
});

test('sessions that ended by themselves take no place', async () => {
  const { user, seeded } = await seedKinds(['cookie', 'bearer', 'cookie']);
  await stage.cloud.redis.del(`session:${seeded[2]?.tokenHash}`);
  expect((await signInToApi(user.username)).status).toBe(201);
  await stage.worker.delivered();
  expect(await logoutRows(stage.cloud, user)).toEqual([]);
});

test('a lowered limit ends all that are too many at the next sign-in', async () => {
  const { user, seeded } = await seedKinds(['cookie', 'bearer', 'cookie', 'bearer', 'cookie']);
  await signInToApi(user.username);
  await stage.worker.delivered();
  const rows = await logoutRows(stage.cloud, user);
  expect(new Set(rows.map((row) => row['session_id']))).toEqual(
    new Set(seeded.slice(0, 3).map((each) => each.session.id)),
  );
  expect(rows.map((row) => row['reason'])).toEqual(['evicted', 'evicted', 'evicted']);
});

test('a session that is replaced makes its own place', async () => {
  const { user, seeded } = await seedKinds(['bearer', 'bearer']);
  const visitor = stage.worker.visitor();
  await visitor.signIn(user);
  const csrf = await visitor.cookie('csrftoken');
  const { username, password } = user;
  const again = await visitor.post('/sign-in/', { username, password }, { 'X-CSRFToken': csrf });
  expect(again.status).toBe(303);
  await stage.worker.delivered();
  expect((await logoutRows(stage.cloud, user)).map((row) => row['reason'])).toEqual(['replaced']);
  const app = new ApiCaller(stage.worker.visitor(), seeded[0]?.token);
  expect((await app.get('/sessions')).body.sessions).toHaveLength(3);
});

test('sign-ins at the same time never go past the limit, and each that is pushed out has one row', async () => {
  const user = await addUser(stage.cloud);
  const answers = await Promise.all(Array.from({ length: 6 }, () => signInToApi(user.username)));
  // A machine under load may make the store's answers late: such a sign-in says 503 and leaves no session.
  const started = answers.filter((answer) => answer.status === 201).map((answer) => answer.body);
  expect(started.length).toBeGreaterThan(0);
  const open: string[] = [];
  for (const { token, session } of started) {
    const { status } = await new ApiCaller(stage.worker.visitor(), token).get('/sessions/current');
    if (status === 200) open.push(session.id);
  }
  expect(open.length).toBeLessThanOrEqual(LIMIT);
  if (started.length === answers.length) expect(open).toHaveLength(LIMIT);
  // What a start that was sent twice put into the outbox is left to the cron.
  await stage.worker.scheduled();
  await stage.worker.delivered();
  const known = new Set(started.map((each) => each.session.id));
  const rows = await logoutRows(stage.cloud, user);
  const ended = rows.map((row) => String(row['session_id'])).filter((id) => known.has(id));
  expect([...open, ...ended].sort()).toEqual([...known].sort());
});
