import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Verification } from '../../src/http/verify-session.ts';
import type { StoreName } from '../../tools/local-cloud/calls.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';
import { openCloud } from '../support/cloud.ts';
import { addUser } from '../support/people.ts';
import { seedSession, type SeededSession } from '../support/seed-session.ts';
import { openWorkerGroup, type WorkerGroup } from '../support/worker-group.ts';
import { RESPONSE_DEADLINE_MS } from './fault-table.ts';
import { OUTAGES } from './outages.ts';

/** Another Worker: verifies its own request, or a bare token, and responds with the result. */
const CALLER = `export default {
  async fetch(request, env) {
    const token = request.headers.get('Bare-Token');
    return Response.json(await env.SESSIONS.verify(token ?? request));
  },
};`;

let cloud: CloudProxy;
let workers: WorkerGroup;
let browser: SeededSession;
let app: SeededSession;
beforeAll(async () => {
  cloud = await openCloud();
  workers = await openWorkerGroup({ cloud, others: { caller: CALLER } });
});
afterAll(async () => {
  await workers[Symbol.asyncDispose]();
  await cloud.stop();
});
beforeEach(async () => {
  const user = await addUser(cloud);
  browser = await seedSession(cloud, user, { kind: 'cookie' });
  app = await seedSession(cloud, user, { kind: 'bearer' });
});

async function verify(headers: Record<string, string>): Promise<Verification> {
  const response = await workers.fetch('caller', 'https://app.example.org/', { headers });
  expect(response.status).toBe(200);
  return (await response.json()) as Verification;
}
const verifyToken = (token: string): Promise<Verification> => verify({ 'Bare-Token': token });

/** Verifies both sessions in every way that another Worker can, at once. */
const verifyAll = (): Promise<Verification[]> =>
  Promise.all([
    verify({ Cookie: `sessionid=${browser.token}` }),
    verify({ Authorization: `Bearer ${app.token}` }),
    verifyToken(browser.token),
    verifyToken(app.token),
  ]);

describe.each(
  (['redis', 'mysql'] as const).flatMap((store) => OUTAGES.map((outage) => ({ store, outage, ...outage }))),
)('$store $name', ({ store, outage }: { store: StoreName; outage: (typeof OUTAGES)[number] }) => {
  test('an outage is "unknown", never "invalid"; afterwards the sessions are valid', async () => {
    const isKnown = outage.outcome === 'survived' || store === 'mysql';
    await outage.begin(cloud, store);
    const startedAtMs = performance.now();
    const verifications = await verifyAll();
    const tookMs = performance.now() - startedAtMs;
    // These need no store: no credentials, or a token that was never issued.
    const missing = await verify({});
    const malformed = await verifyToken('x');
    await outage.end(cloud, store);
    expect(tookMs).toBeLessThan(RESPONSE_DEADLINE_MS);
    expect(missing).toEqual({ status: 'invalid', reason: 'missing' });
    expect(malformed).toEqual({ status: 'invalid', reason: 'malformed' });
    const valid = [browser, app, browser, app].map(({ session }) => ({
      status: 'valid',
      session: { id: session.id, kind: session.kind },
      user: { id: session.userId, username: session.username },
    }));
    expect(verifications).toMatchObject(isKnown ? valid : valid.map(() => ({ status: 'unknown' })));
    expect(await verifyAll()).toMatchObject(valid);
  });
});
