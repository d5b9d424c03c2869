import { START } from '../../src/session/scripts.ts';
import { runsScript } from '../support/scripts.ts';
import { describe, expect, test } from 'vitest';
import { decodeRecord } from '../../src/session/record.ts';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { addUser, eventually, logoutRows, type TestUser } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import type { Answer, Visitor } from '../support/visitor.ts';

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

async function signedIn(): Promise<{ user: TestUser; visitor: Visitor; home: Answer }> {
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
  await visitor.signIn(user);
  return { user, visitor, home: await visitor.get('/home/') };
}

/** The answer, which must come in time. */
async function inTime(answer: Promise<Answer>): Promise<Answer> {
  const startedAtMs = performance.now();
  const arrived = await answer;
  expect(performance.now() - startedAtMs, arrived.url).toBeLessThan(ANSWER_DEADLINE_MS);
  return arrived;
}

function expectUnavailable(answer: Answer): void {
  expect(answer.status, answer.url).toBe(503);
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
  // Kept: neither expired nor replaced.
  expect(answer.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
}

describe.each(OUTAGES)('Redis %s', (_, fault) => {
  test('pages that need no session are there, the others say 503 and keep the cookie', async () => {
    const { visitor } = await signedIn();
    const stranger = stage.worker.visitor();
    stage.cloud.faults.set('redis', fault);
    const [welcome, known, health, form, knownForm, home, ask] = await Promise.all(
      [
        stranger.get('/'),
        visitor.get('/'),
        visitor.get('/healthz'),
        stranger.get('/sign-in/'),
        visitor.get('/sign-in/'),
        visitor.get('/home/'),
        visitor.get('/logout/'),
      ].map(inTime),
    );
    for (const answer of [welcome, known, health, form, knownForm]) expect(answer?.status).toBe(200);
    expect(known?.body).not.toContain('re not signed in');
    for (const answer of [home!, ask!]) expectUnavailable(answer);
    for (const answer of [known!, knownForm!]) {
      expect(answer.setCookies.filter((cookie) => cookie.startsWith('sessionid'))).toEqual([]);
    }
    stage.cloud.faults.clear();
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test('a sign-in says 503, and works once Redis is back', async () => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    const page = await visitor.get('/sign-in/');
    const { username, password } = user;
    stage.cloud.faults.set('redis', fault);
    const [html, json] = await Promise.all([
      inTime(visitor.submit(page, { username, password })),
      inTime(visitor.submit(page, { username, password }, { Accept: 'application/json' })),
    ]);
    expectUnavailable(html);
    expectUnavailable(json);
    expect(JSON.parse(json.body)).toMatchObject({ status: 503, code: 'store_unavailable' });
    stage.cloud.faults.clear();
    await visitor.signIn(user);
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test('a logout says 503 and that the session may still be open; afterwards there is one row', async () => {
    const { user, visitor, home } = await signedIn();
    const jsonVisitor = await signedIn();
    stage.cloud.faults.set('redis', fault);
    const [html, json, withoutToken] = await Promise.all([
      inTime(visitor.submit(home)),
      inTime(jsonVisitor.visitor.submit(jsonVisitor.home, {}, { Accept: 'application/json' })),
      inTime(visitor.post('/logout/')),
    ]);
    for (const answer of [html, json, withoutToken]) {
      expectUnavailable(answer);
      expect(answer.body).toContain('session may still be open');
      expect(answer.setCookies).toEqual([]);
    }
    stage.cloud.faults.clear();
    // Whether it was carried out or not, pressing the button again ends it, once.
    expect((await visitor.submit(home)).status).toBe(303);
    expect(await visitor.isSignedIn()).toBe(false);
    await stage.worker.scheduled();
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toMatchObject([{ reason: 'logout' }]);
  });
});

test('a port that is closed is an outage as well', async () => {
  const { visitor, home } = await signedIn();
  await stage.cloud.close('redis');
  try {
    expectUnavailable(await inTime(visitor.get('/home/')));
    expectUnavailable(await inTime(visitor.submit(home)));
  } finally {
    await stage.cloud.reopen('redis');
  }
  expect(await visitor.isSignedIn()).toBe(true);
});

describe('an answer lost once is made up for', () => {
  test.each<[string, Fault]>([
    ['refused', { kind: 'refuse', times: 1 }],
    ['lost', { kind: 'lose-answer', times: 1 }],
    ['500', { kind: 'status', status: 500, times: 1 }],
  ])('%s', async (_, fault) => {
    const { user, visitor, home } = await signedIn();
    // What the outages before have left to the cron.
    await stage.worker.scheduled();
    await stage.worker.delivered();
    stage.cloud.faults.set('redis', fault);
    expect((await visitor.get('/home/')).status).toBe(200);
    stage.cloud.faults.set('redis', fault);
    expect((await visitor.submit(home)).status).toBe(303);
    stage.cloud.faults.clear();
    expect(await visitor.isSignedIn()).toBe(false);
    // The repetition is told of the logout like the first time: its row does not wait for the cron.
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
    stage.cloud.faults.set('redis', fault);
    await visitor.signIn(user);
    stage.cloud.faults.clear();
    expect(await visitor.isSignedIn()).toBe(true);
    await stage.worker.scheduled();
    await stage.worker.delivered();
    expect(await logoutRows(stage.cloud, user)).toHaveLength(1);
  });
});

describe('a start whose answer never came leaves no session that nobody holds', () => {
  const isStart = (call: CallContent): boolean => runsScript(call, START);

  test.each<[string, Fault]>([
    ['carried out, the answer lost', { kind: 'lose-answer', match: isStart }],
    // Longer than the Worker waits: it arrives when the session has been given up already.
    ['carried out later', { kind: 'late', ms: 2500, match: isStart, times: 1 }],
    ['never carried out', { kind: 'hang', match: isStart }],
  ])('%s', async (_, fault) => {
    const user = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    const page = await visitor.get('/sign-in/');
    const { username, password } = user;
    stage.cloud.faults.set('redis', fault);
    expectUnavailable(await inTime(visitor.submit(page, { username, password })));
    stage.cloud.faults.clear();
    await stage.cloud.settled();
    await eventually(async () => {
      expect(await stage.cloud.redis.hlen(`user-sessions:${user.id}`)).toBe(0);
      const keys = await stage.cloud.redis.keys('session:*');
      const records = keys.length === 0 ? [] : await stage.cloud.redis.mget(keys);
      expect(
        records.filter(
          (record) =>
            record !== null && 'session' in (decodeRecord(record) ?? {}) && record.includes(username),
        ),
      ).toEqual([]);
    });
    // The attempt was no failure: it does not count.
    await visitor.signIn(user);
  });
});
