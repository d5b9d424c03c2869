import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeSession } from '../../src/session/record.ts';
import type { Session } from '../../src/session/session.ts';
import { ONE_REDIS_COMMAND } from '../../tools/budgets.ts';
import type { Fault } from '../../tools/local-cloud/faults.ts';
import { nowMs } from '../../tools/local-cloud/clock.ts';
import { countCalls } from '../../tools/local-cloud/calls.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { sampleOperation } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { openCloud } from '../support/cloud.ts';
import { addUser, eventually, type TestUser } from '../support/people.ts';
import { seedSession, type SeededSession } from '../support/seed-session.ts';
import { bundleWorker, openWorkerGroup, type WorkerGroup } from '../support/worker-group.ts';

const APP = 'https://app.example.net';
/** Of the right form, and never given out. */
const NEVER_GIVEN_OUT = `${'A'.repeat(42)}A`;

/** Stands for a service that is just being deployed, or of a version that has no `verify`. */
const BROKEN_SERVICE = `
  import { WorkerEntrypoint } from 'cloudflare:workers';
  export class SessionService extends WorkerEntrypoint {
    verify() { return Promise.reject(new Error('no')); }
  }
  export default {};
`;

type Headers = Record<string, string>;

let cloud: CloudProxy;
let group: WorkerGroup;
let user: TestUser;
let cookie: SeededSession;
let bearer: SeededSession;
let protectedScript: string;

beforeAll(async () => {
  let whoami: string;
  [cloud, whoami, protectedScript] = await Promise.all([
    openCloud(),
    bundleWorker('examples/whoami'),
    bundleWorker('test/support/workers/protected'),
  ]);
  group = await openWorkerGroup({ cloud, others: { whoami, protected: protectedScript } });
  user = await addUser(cloud);
  cookie = await seedSession(cloud, user, { kind: 'cookie' });
  bearer = await seedSession(cloud, user, { kind: 'bearer', deviceName: 'phone' });
});
afterEach(() => cloud.faults.clear());
afterAll(async () => {
  await group[Symbol.asyncDispose]();
  await cloud.stop();
});

const asCookie = ({ token }: { token: string }): Headers => ({ Cookie: `a=b; sessionid=${token}` });
const asBearer = ({ token }: { token: string }): Headers => ({ Authorization: `Bearer ${token}` });

async function verifyRequest(headers: Headers, workers = group): Promise<unknown> {
  return (await workers.fetch('protected', `${APP}/verify-request`, { headers })).json();
}
async function verifyToken(token: string): Promise<unknown> {
  return (await group.fetch('protected', `${APP}/verify-token`, { method: 'POST', body: token })).json();
}

const viewOf = (session: Session) => ({
  status: 'valid',
  session: {
    id: session.id,
    current: true,
    kind: session.kind,
    created_at: new Date(session.createdAtMs).toISOString(),
    last_seen_at: new Date(session.lastSeenAtMs).toISOString(),
    expires_at: new Date(session.expiresAtMs).toISOString(),
    ip_address: session.client.ipAddress,
    user_agent: session.client.userAgent,
    device_name: session.deviceName,
    remember_me: false,
  },
  user: { id: user.id, username: user.username },
});

describe('verify', () => {
  test('valid: by cookie, by bearer, by the bare token of either', async () => {
    expect(await verifyRequest(asCookie(cookie))).toEqual(viewOf(cookie.session));
    expect(await verifyRequest(asBearer(bearer))).toEqual(viewOf(bearer.session));
    expect(await verifyRequest({ ...asCookie(cookie), ...asBearer(bearer) })).toEqual(viewOf(bearer.session));
    expect(await verifyToken(cookie.token)).toEqual(viewOf(cookie.session));
    expect(await verifyToken(bearer.token)).toEqual(viewOf(bearer.session));
  });

  test.each<[string, string, () => Headers]>([
    ['missing', 'nothing', () => ({})],
    ['missing', 'another cookie', () => ({ Cookie: 'other=x' })],
    [
      'missing',
      'another scheme beside a good cookie',
      () => ({ ...asCookie(cookie), Authorization: 'Basic eA==' }),
    ],
    ['malformed', 'a cookie of another form', () => ({ Cookie: 'sessionid=x' })],
    [
      'malformed',
      'a bearer of another form beside a good cookie',
      () => ({ ...asCookie(cookie), ...asBearer({ token: 'x' }) }),
    ],
    ['unknown', 'a cookie that was never given out', () => asCookie({ token: NEVER_GIVEN_OUT })],
    ['unknown', 'a bearer that was never given out', () => asBearer({ token: NEVER_GIVEN_OUT })],
    ['unknown', "a cookie's token as a bearer", () => asBearer(cookie)],
    ['unknown', "a bearer's token as a cookie", () => asCookie(bearer)],
  ])('invalid, %s: %s', async (reason, _, headers) => {
    expect(await verifyRequest(headers())).toEqual({ status: 'invalid', reason });
  });

  test.each([
    ['missing', ''],
    ['malformed', 'x'],
    ['malformed', `${NEVER_GIVEN_OUT}\n`],
    ['unknown', NEVER_GIVEN_OUT],
  ])('invalid, %s: the bare token %j', async (reason, token) => {
    expect(await verifyToken(token)).toEqual({ status: 'invalid', reason });
  });

  test('invalid, ended and expired, as far as the record outlives the session', async () => {
    const ended = await seedSession(cloud, user);
    const { sessions } = openCloudStores(cloud);
    await sessions.end([ended.tokenHash], 'cookie', 'logout', sampleOperation(Date.now()));
    expect(await verifyRequest(asCookie(ended))).toEqual({ status: 'invalid', reason: 'ended' });

    const idle = await seedSession(cloud, user);
    const record = encodeSession({ ...idle.session, lastSeenAtMs: Date.now() - 7_200_000 });
    await cloud.redis.set(`session:${idle.tokenHash}`, record, 'EX', 1000);
    expect(await verifyRequest(asCookie(idle))).toEqual({ status: 'invalid', reason: 'expired' });
    expect(await verifyToken(idle.token)).toEqual({ status: 'invalid', reason: 'expired' });
  });

  test('waits once, with one command', async () => {
    await verifyRequest(asBearer(bearer));
    await cloud.settled();
    cloud.faults.set('redis', { kind: 'delay', ms: 100 });
    for (const ask of [
      () => verifyRequest(asCookie(cookie)),
      () => verifyRequest(asBearer(bearer)),
      () => verifyToken(bearer.token),
    ]) {
      cloud.calls.length = 0;
      const fromMs = nowMs();
      expect(await ask()).toMatchObject({ status: 'valid' });
      expect(countCalls(cloud.calls, fromMs, nowMs())).toEqual(ONE_REDIS_COMMAND);
    }
  });

  test('counts as activity', async () => {
    const createdAtMs = Date.now() - 3_600_000;
    for (const ask of [
      (seeded: SeededSession) => verifyRequest(asCookie(seeded)),
      (seeded: SeededSession) => verifyToken(seeded.token),
    ]) {
      const seeded = await seedSession(cloud, user, { createdAtMs });
      expect(await cloud.redis.ttl(`session:${seeded.tokenHash}`)).toBeLessThan(3700);
      expect(await ask(seeded)).toMatchObject({ status: 'valid' });
      await eventually(async () => {
        expect(await cloud.redis.ttl(`session:${seeded.tokenHash}`)).toBeGreaterThan(7100);
      });
      const after = (await ask(seeded)) as { session: { last_seen_at: string } };
      expect(Date.parse(after.session.last_seen_at)).toBeGreaterThan(createdAtMs + 3_000_000);
    }
  });
});

const OUTAGES: [string, Fault][] = [
  ['refused', { kind: 'refuse' }],
  ['hanging', { kind: 'hang' }],
  ['answering 500', { kind: 'status', status: 500 }],
  ['losing answers', { kind: 'lose-answer' }],
];

test.each(OUTAGES)(
  'Redis %s: unknown, and 503 with Retry-After for apps and browsers alike',
  async (_, fault) => {
    cloud.faults.set('redis', fault);
    const startedAtMs = performance.now();
    const [byRequest, byToken, app, page] = await Promise.all([
      verifyRequest(asCookie(cookie)),
      verifyToken(bearer.token),
      group.fetch('whoami', `${APP}/whoami`, { headers: asBearer(bearer) }),
      group.fetch('protected', `${APP}/pages/`, { headers: { ...asCookie(cookie), Accept: 'text/html' } }),
    ]);
    expect(performance.now() - startedAtMs).toBeLessThan(5000);
    expect([byRequest, byToken]).toEqual([{ status: 'unknown' }, { status: 'unknown' }]);
    for (const answer of [app, page]) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
      expect(answer.headers.get('Location')).toBeNull();
    }
    cloud.faults.clear();
    // Nothing was ended by it.
    expect(await verifyRequest(asCookie(cookie))).toMatchObject({ status: 'valid' });
  },
);

describe('the example', () => {
  test('says who it is, to both doors', async () => {
    for (const [headers, userAgent] of [
      [asCookie(cookie), cookie.session.client.userAgent],
      [asBearer(bearer), bearer.session.client.userAgent],
    ] as const) {
      const answer = await group.fetch('whoami', `${APP}/whoami`, { headers });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({
        user: { id: user.id, username: user.username },
        device: userAgent,
      });
    }
  });

  test('answers everybody else 401, browsers too, as it knows no sign-in page', async () => {
    for (const headers of [{}, { Accept: 'text/html' }, asCookie({ token: NEVER_GIVEN_OUT })] as Headers[]) {
      const answer = await group.fetch('whoami', `${APP}/whoami`, { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer');
    }
  });
});

describe('requireSession with a sign-in page', () => {
  const page = (headers: Headers, init: { method?: string; body?: string } = {}) =>
    group.fetch('protected', `${APP}/pages/a%20b?x=1&y=%2F`, { headers, ...init });

  test('sends browsers there, the address they wanted in next', async () => {
    const answer = await page({ Accept: 'text/html,application/xhtml+xml' });
    expect(answer.status).toBe(302);
    const location = new URL(answer.headers.get('Location') ?? '');
    expect(location.origin + location.pathname).toBe('https://login.example.org/sign-in/');
    expect(Object.fromEntries(location.searchParams)).toEqual({
      from: 'app',
      next: `${APP}/pages/a%20b?x=1&y=%2F`,
    });
  });

  test('answers 401 to programs and to forms', async () => {
    expect((await page({ Accept: 'application/json' })).status).toBe(401);
    expect((await page({})).status).toBe(401);
    expect((await page({ Accept: 'text/html' }, { method: 'POST', body: 'x' })).status).toBe(401);
  });

  test('lets in who is signed in, and leaves the body to the handler', async () => {
    const answer = await page(asCookie(cookie), { method: 'POST', body: 'the body' });
    expect(await answer.json()).toEqual({
      username: user.username,
      session: cookie.session.id,
      body: 'the body',
    });
  });

  test('without its binding it is a mistake of the operator, said in the log, and lets nobody in', async () => {
    const answer = await group.fetch('protected', `${APP}/unbound/`, { headers: asCookie(cookie) });
    expect(answer.status).toBe(500);
    expect(await answer.text()).toContain('NOBODY');
  });
});

describe('a service that cannot answer is no "signed out"', () => {
  test('its settings malformed', async () => {
    await using workers = await openWorkerGroup({
      cloud,
      bindings: { SECRET_KEY: 'short' },
      others: { protected: protectedScript },
    });
    expect(await verifyRequest(asCookie(cookie), workers)).toEqual({ status: 'unknown' });
  });

  test('it throws', async () => {
    await using workers = await openWorkerGroup({
      cloud,
      others: { protected: protectedScript },
      service: BROKEN_SERVICE,
    });
    const headers = { ...asCookie(cookie), Accept: 'text/html' };
    expect((await workers.fetch('protected', `${APP}/pages/`, { headers })).status).toBe(503);
  });
});
