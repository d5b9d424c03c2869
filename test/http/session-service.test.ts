import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { Verification as VerificationForApps } from '../../packages/client/src/index.ts';
import type { Verification } from '../../src/http/verify-session.ts';
import { encodeSession } from '../../src/session/record.ts';
import type { Session } from '../../src/session/session.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { sampleOperation } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { openCloud } from '../support/cloud.ts';
import { addUser, eventually, type TestUser } from '../support/people.ts';
import { endsInSeconds, seedSession, type SeededSession } from '../support/seed-session.ts';
import { bundleWorker, openWorkerGroup, type WorkerGroup } from '../support/worker-group.ts';

const APP = 'https://app.example.net';
/** Well-formed, but never issued. */
const NEVER_ISSUED = `${'A'.repeat(42)}A`;

/** Like a service that is being deployed, or a version without `verify`. */
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
    const basic = { Authorization: 'Basic eA==' };
    expect(await verifyRequest({ ...asCookie(cookie), ...basic })).toEqual(viewOf(cookie.session));
    expect(await verifyToken(cookie.token)).toEqual(viewOf(cookie.session));
    expect(await verifyToken(bearer.token)).toEqual(viewOf(bearer.session));
  });

  test.each<[string, string, () => Headers]>([
    ['missing', 'nothing', () => ({})],
    ['missing', 'another cookie', () => ({ Cookie: 'other=x' })],
    ['missing', 'another scheme', () => ({ Authorization: 'Basic eA==' })],
    ['malformed', 'a malformed cookie', () => ({ Cookie: 'sessionid=x' })],
    [
      'malformed',
      'a malformed bearer beside a good cookie',
      () => ({ ...asCookie(cookie), ...asBearer({ token: 'x' }) }),
    ],
    ['unknown', 'a cookie that was never issued', () => asCookie({ token: NEVER_ISSUED })],
    ['unknown', 'a bearer that was never issued', () => asBearer({ token: NEVER_ISSUED })],
    ['unknown', "a cookie's token as a bearer", () => asBearer(cookie)],
    ['unknown', "a bearer's token as a cookie", () => asCookie(bearer)],
  ])('invalid, %s: %s', async (reason, _, headers) => {
    expect(await verifyRequest(headers())).toEqual({ status: 'invalid', reason });
  });

  test.each([
    ['missing', ''],
    ['malformed', 'x'],
    ['malformed', `${NEVER_ISSUED}\n`],
    ['unknown', NEVER_ISSUED],
  ])('invalid, %s: the bare token %j', async (reason, token) => {
    expect(await verifyToken(token)).toEqual({ status: 'invalid', reason });
  });

  test('invalid, ended and expired, as long as the record outlives the session', async () => {
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

  test('counts as activity', async () => {
    const createdAtMs = Date.now() - 3_600_000;
    for (const ask of [
      (seeded: SeededSession) => verifyRequest(asCookie(seeded)),
      (seeded: SeededSession) => verifyToken(seeded.token),
    ]) {
      const seeded = await seedSession(cloud, user, { createdAtMs });
      expect(await endsInSeconds(cloud, seeded.tokenHash)).toBeLessThan(3700);
      expect(await ask(seeded)).toMatchObject({ status: 'valid' });
      await eventually(async () => {
        expect(await endsInSeconds(cloud, seeded.tokenHash)).toBeGreaterThan(7100);
      });
      const after = (await ask(seeded)) as { session: { last_seen_at: string } };
      expect(Date.parse(after.session.last_seen_at)).toBeGreaterThan(createdAtMs + 3_000_000);
    }
  });
});

test('an outage of Redis is 503 with Retry-After for apps and browsers alike, and never a redirect', async () => {
  cloud.faults.set('redis', { kind: 'refuse' });
  const responses = await Promise.all([
    group.fetch('whoami', `${APP}/whoami`, { headers: asBearer(bearer) }),
    group.fetch('protected', `${APP}/pages/`, { headers: { ...asCookie(cookie), Accept: 'text/html' } }),
  ]);
  for (const response of responses) {
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(response.headers.get('Location')).toBeNull();
  }
});

describe('the example', () => {
  test('says who it is, by cookie and by bearer', async () => {
    for (const [headers, userAgent] of [
      [asCookie(cookie), cookie.session.client.userAgent],
      [asBearer(bearer), bearer.session.client.userAgent],
    ] as const) {
      const response = await group.fetch('whoami', `${APP}/whoami`, { headers });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        user: { id: user.id, username: user.username },
        device: userAgent,
      });
    }
  });

  test('is 401 for everyone else, browsers too: it has no sign-in page', async () => {
    for (const headers of [{}, { Accept: 'text/html' }, asCookie({ token: NEVER_ISSUED })] as Headers[]) {
      const response = await group.fetch('whoami', `${APP}/whoami`, { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
    }
  });
});

describe('requireSession over the binding', () => {
  const page = (headers: Headers, init: { method?: string; body?: string } = {}) =>
    group.fetch('protected', `${APP}/pages/a%20b?x=1&y=%2F`, { headers, ...init });

  test('is 401 for programs', async () => {
    expect((await page({ Accept: 'application/json' })).status).toBe(401);
  });

  test('lets signed-in users through, and leaves the body to the handler', async () => {
    const response = await page(asCookie(cookie), { method: 'POST', body: 'the body' });
    expect(await response.json()).toEqual({
      username: user.username,
      session: cookie.session.id,
      body: 'the body',
    });
  });

  test('is a 500 that names the missing binding, and lets no one through', async () => {
    const response = await group.fetch('protected', `${APP}/unbound/`, { headers: asCookie(cookie) });
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('NOBODY');
  });
});

describe('a broken service never means "signed out"', () => {
  test('malformed settings', async () => {
    await using workers = await openWorkerGroup({
      cloud,
      bindings: { SECRET_KEY: 'short' },
      others: { protected: protectedScript },
    });
    expect(await verifyRequest(asCookie(cookie), workers)).toEqual({ status: 'unknown' });
  });

  test('an exception', async () => {
    await using workers = await openWorkerGroup({
      cloud,
      others: { protected: protectedScript },
      service: BROKEN_SERVICE,
    });
    const headers = { ...asCookie(cookie), Accept: 'text/html' };
    expect((await workers.fetch('protected', `${APP}/pages/`, { headers })).status).toBe(503);
  });
});

test('undefined is no credential, as a cookie that is missing', async () => {
  const response = await group.fetch('protected', `${APP}/verify-undefined`);
  expect(await response.json()).toEqual({ status: 'invalid', reason: 'missing' });
});

test('the client has a type for every result', () => {
  expectTypeOf<Verification>().toExtend<VerificationForApps>();
});
