import type { UserId } from '../../src/lib/ids.ts';
import { expect, test } from 'vitest';
import type { Session } from '../../src/session/session.ts';
import { hashToken, type Token, type TokenHash } from '../../src/session/token.ts';
import { newTokenHash, sampleOperation, sampleSession, sampleStart, offer } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { ApiCaller, type ApiBody } from '../support/api.ts';
import { addUser, eventually, logoutRows, PASSWORD, type TestUser } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const ROUNDS = 6;
/** A slow machine does fewer rounds. */
const DEADLINE_MS = 10_000;
const STEPS_PER_ROUND = 200;
/** Some rounds go past it, so that starts evict each other. */
const MAX_SESSIONS = 25;

/** The same pseudo-random numbers in each run (mulberry32), so that a failure can be reproduced. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Started {
  session: Session;
  /** The first one, then one for each renewal. */
  credentials: ReturnType<typeof offer>[];
}

type Stores = ReturnType<typeof openCloudStores>;

async function startOne({ sessions }: Stores, user: TestUser, all: Started[]): Promise<void> {
  const kind = all.length % 2 === 0 ? 'cookie' : 'bearer';
  const session = sampleSession(Date.now(), {
    userId: user.id as UserId,
    username: user.username,
    kind,
  });
  const tokenHash: TokenHash = newTokenHash();
  all.push({ session, credentials: [offer(tokenHash, kind)] });
  await sessions.start(sampleStart(session, tokenHash, { maxSessionsPerUser: MAX_SESSIONS }));
}

/** The choice of `changeOne` that ends one session. */
const END_CHOICE = 0.5;

/** One step on a session that is open, being started or ended already. */
async function changeOne(
  { sessions }: Stores,
  { session, credentials }: Started,
  choice: number,
): Promise<void> {
  const credential = credentials[0]!;
  const nowMs = Date.now();
  if (choice < 0.45) {
    await sessions.refresh(credential.tokenHash, { ...session, lastSeenAtMs: nowMs + 1 });
  } else if (choice < 0.6) {
    await sessions.end([credential.tokenHash], credential.kind, 'logout', sampleOperation(nowMs));
  } else if (choice < 0.7) {
    await sessions.revoke(credential, { only: session.id }, sampleOperation(nowMs));
  } else if (choice < 0.78) {
    const renewed = offer(newTokenHash(), credential.kind);
    credentials.push(renewed);
    await sessions.renew(credential, renewed.tokenHash, session, sampleOperation(nowMs));
  } else if (choice < 0.85) {
    await sessions.revoke(credential, 'others', sampleOperation(nowMs));
  } else if (choice < 0.9) {
    await sessions.revoke(credential, 'all', sampleOperation(nowMs));
  } else {
    await sessions.list(credential, nowMs);
  }
}

/** Ids of the sessions that are open, that the index lists, and that have a row, as often as they have one. */
async function stateOf({ sessions }: Stores, user: TestUser, all: Started[]) {
  const openIds: string[] = [];
  for (const { session, credentials } of all) {
    const checks = await Promise.all(credentials.map((credential) => sessions.check(credential, Date.now())));
    const open = checks.filter((check) => check.status === 'valid');
    expect(open.length, 'tokens that open the same session').toBeLessThanOrEqual(1);
    if (open.length === 1) openIds.push(session.id);
  }
  const index = await environment.cloud.redis.hgetall(`user-sessions:${user.id}`);
  await environment.worker.scheduled();
  await environment.worker.delivered();
  const ended = (await logoutRows(environment.cloud, user)).map((row) => String(row['session_id']));
  return { openIds: openIds.sort(), listed: Object.keys(index).sort(), ended: ended.sort() };
}

test('whatever happens at once, the index, the records and the rows agree', { timeout: 60_000 }, async () => {
  const stores = openCloudStores(environment.cloud);
  const random = randomFrom(20_261);
  const startedAtMs = performance.now();
  for (let round = 1; round <= ROUNDS && performance.now() - startedAtMs < DEADLINE_MS; round += 1) {
    const user = await addUser(environment.cloud);
    const all: Started[] = [];
    const steps = Array.from({ length: STEPS_PER_ROUND }, () => {
      if (all.length < 10 || random() < 0.4) return startOne(stores, user, all);
      return changeOne(stores, all[Math.floor(random() * all.length)]!, random());
    });
    await Promise.all(steps);
    // Only ends come last: a start or a list would clean up what they leave behind.
    await Promise.all(all.filter((_, i) => i % 2 === 0).map((each) => changeOne(stores, each, END_CHOICE)));
    const { openIds, listed, ended } = await stateOf(stores, user, all);
    expect(listed, `round ${round}`).toEqual(openIds);
    expect(openIds.length).toBeLessThanOrEqual(MAX_SESSIONS);
    // Each session is open, or has one row and no more.
    expect([...openIds, ...ended].sort(), `round ${round}`).toEqual(
      all.map(({ session }) => session.id).sort(),
    );
  }
});

test('sign-ins and sign-outs over HTTP at once, through both channels', async () => {
  const user = await addUser(environment.cloud);
  const credentials = { username: user.username, password: PASSWORD };
  const started: ApiBody[] = [];
  const signInToApp = async () => {
    // On a busy machine the store's replies may be late: such a sign-in is a 503 and leaves no session.
    const body = await eventually(async () => {
      const { status, body } = await new ApiCaller(environment.worker.visitor()).post(
        '/sessions',
        credentials,
      );
      expect(status).toBe(201);
      return body;
    });
    started.push(body);
    return new ApiCaller(environment.worker.visitor(), body.token);
  };
  const browser = environment.worker.visitor();
  await browser.signIn(user);
  const { session: browserSession } = (await new ApiCaller(browser).get('/sessions/current')).body;
  await Promise.all([
    signInToApp().then((app) => app.delete('/sessions?scope=others')),
    signInToApp().then((app) => Promise.all([app.get('/sessions'), app.delete('/sessions/current')])),
    signInToApp().then((app) => Promise.all([1, 2, 3].map(() => app.delete('/sessions/current')))),
    signInToApp(),
    signInToApp(),
    new ApiCaller(browser).delete('/sessions?scope=others'),
  ]);
  // Two may have ended each other's sessions, but this one is certainly open.
  const last = await signInToApp();
  const { sessions } = (await last.get('/sessions')).body;
  const open: string[] = (await browser.isSignedIn()) ? [browserSession.id] : [];
  for (const { token, session } of started) {
    const { status } = await new ApiCaller(environment.worker.visitor(), token).get('/sessions/current');
    if (status === 200) open.push(session.id);
  }
  expect(sessions.map((each) => each.id).sort()).toEqual(open.sort());
  // The cron delivers the events of a start that was sent twice.
  await environment.worker.scheduled();
  await environment.worker.delivered();
  const known = new Set([browserSession.id, ...started.map((each) => each.session.id)]);
  const rows = await logoutRows(environment.cloud, user);
  const ended = rows.map((row) => String(row['session_id'])).filter((id) => known.has(id));
  expect([...open, ...ended].sort()).toEqual([...known].sort());
  // The store has no token, only its hash.
  const keys = await environment.cloud.redis.keys('session:*');
  expect(keys).toContain(`session:${hashToken(last.token as Token)}`);
  expect(keys).not.toContain(`session:${last.token}`);
});
