import { beforeAll } from 'vitest';
import { networkOf } from '../../src/lib/client-info.ts';
import { ACCOUNT_NETWORK_LIMIT } from '../../src/auth/throttle.ts';
import { uuidV7 } from '../../src/lib/ids.ts';
import { API_BUDGETS } from '../../tools/budgets.ts';
import { UNKNOWN_SESSION_ID } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { API, type ApiBody } from '../support/api.ts';
import { addUser, PASSWORD, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor, type SeededSession } from '../support/seed-session.ts';
import { useStage } from '../support/stage.ts';
import type { Visitor } from '../support/visitor.ts';
import { by, testBudgets, type Prepared } from './test-budgets.ts';

const stage = useStage();

const HOUR_MS = 3_600_000;

interface Caller {
  visitor: Visitor;
  user: TestUser;
  /** Undefined: this browser's cookies are what it shows. */
  token?: string;
}

interface Device extends Caller {
  session: SeededSession['session'];
  other: SeededSession['session'];
}

const stranger = async (): Promise<Caller> => ({
  visitor: stage.worker.visitor(),
  user: await addUser(stage.cloud),
});

const malformed = async (): Promise<Caller> => ({ ...(await stranger()), token: 'not-a-token' });

/** An app of a user who has a second device. */
const app =
  (changes: { createdAtMs?: number } = {}) =>
  async (): Promise<Device> => {
    const caller = await stranger();
    const { session: other } = await seedSession(stage.cloud, caller.user);
    return {
      ...caller,
      other,
      ...(await seedSession(stage.cloud, caller.user, { kind: 'bearer', ...changes })),
    };
  };

async function loneApp(): Promise<Caller> {
  const caller = await stranger();
  return { ...caller, token: (await seedSession(stage.cloud, caller.user, { kind: 'bearer' })).token };
}

async function browser(): Promise<Device> {
  const user = await addUser(stage.cloud);
  const { session: other } = await seedSession(stage.cloud, user);
  const { visitor, session } = await seedVisitor(stage, user);
  return { user, visitor, session, other };
}

async function staleBrowser(): Promise<Caller> {
  const caller = await stranger();
  const { token } = await seedSession(stage.cloud, caller.user, { createdAtMs: Date.now() - HOUR_MS });
  await caller.visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
  return caller;
}

const staleApp = () => app({ createdAtMs: Date.now() - HOUR_MS })();

async function signedOutApp(): Promise<Caller> {
  const caller = await loneApp();
  await call('DELETE', '/sessions/current')(caller);
  return caller;
}

/** After a try beyond those that are looked at. */
async function throttled(): Promise<Caller> {
  const { visitor, user } = await stranger();
  const { throttle } = openCloudStores(stage.cloud);
  const network = networkOf(visitor.ipAddress);
  for (let i = 0; i <= ACCOUNT_NETWORK_LIMIT.failures; i += 1)
    await throttle.reserve({ attemptId: uuidV7(Date.now()), username: user.username, network });
  return { visitor, user };
}

/** Nothing but the request: what the answer is checked for elsewhere must not make it seem late. */
const call =
  <Who extends Caller>(method: string, path: string | ((who: Who) => string), json?: (who: Who) => object) =>
  async (who: Who) => {
    const csrf = who.token === undefined ? await who.visitor.cookie('csrftoken') : undefined;
    const headers: Record<string, string | undefined> = {
      Authorization: who.token === undefined ? undefined : `Bearer ${who.token}`,
      'X-CSRFToken': csrf,
      'Content-Type': json === undefined ? undefined : 'application/json',
    };
    const answer = await who.visitor.request(API + (typeof path === 'string' ? path : path(who)), {
      method,
      headers,
      ...(json === undefined ? {} : { body: JSON.stringify(json(who)) }),
    });
    return { ...answer, json: JSON.parse(answer.body) as Partial<ApiBody> };
  };

/** A case in which somebody's request ends so many sessions. */
const ends = <Who extends Caller>(
  revoked: number,
  who: () => Promise<Who>,
  ask: (who: Who) => Promise<object>,
) => {
  const prepare = by(who, 200, ask);
  return async (): Promise<Prepared> => ({
    ...(await prepare()),
    answers: { status: 200, json: { revoked } },
  });
};

const signIn = (password: string) =>
  call('POST', '/sessions', ({ user: { username } }) => ({ username, password }));
const changePassword = (from: string) =>
  call('PUT', '/password', () => ({ current_password: from, new_password: 'a wholly different phrase' }));
const another = call('DELETE', (who: Device) => `/sessions/${who.other.id}`);

beforeAll(async () => {
  // Warm: keys are imported and code is compiled at the first use.
  await signIn(PASSWORD)(await stranger());
  await call('DELETE', '/sessions?scope=all')(await app()());
});

testBudgets(stage, API_BUDGETS, {
  'POST /api/v1/sessions, right': by(stranger, 201, signIn(PASSWORD)),
  'POST /api/v1/sessions, wrong password': by(stranger, 401, signIn('wrong')),
  'POST /api/v1/sessions, throttled again': by(throttled, 429, signIn(PASSWORD)),
  'POST /api/v1/sessions, no fields': by(
    stranger,
    400,
    call('POST', '/sessions', () => ({})),
  ),

  'GET /api/v1/sessions/current, nobody': by(stranger, 401, call('GET', '/sessions/current')),
  'GET /api/v1/sessions/current, malformed bearer': by(malformed, 401, call('GET', '/sessions/current')),
  'GET /api/v1/sessions/current, bearer': by(app(), 200, call('GET', '/sessions/current')),
  'GET /api/v1/sessions/current, cookie': by(browser, 200, call('GET', '/sessions/current')),
  'GET /api/v1/sessions/current, stale bearer': by(staleApp, 200, call('GET', '/sessions/current')),
  'GET /api/v1/sessions/current, stale cookie': by(staleBrowser, 200, call('GET', '/sessions/current')),
  'GET /api/v1/sessions/current, ended bearer': by(signedOutApp, 401, call('GET', '/sessions/current')),

  'GET /api/v1/sessions, malformed bearer': by(malformed, 401, call('GET', '/sessions')),
  'GET /api/v1/sessions, bearer': by(app(), 200, call('GET', '/sessions')),
  'GET /api/v1/sessions, cookie': by(browser, 200, call('GET', '/sessions')),
  'GET /api/v1/sessions, stale cookie': by(staleBrowser, 200, call('GET', '/sessions')),

  'DELETE /api/v1/sessions/current, nobody': by(stranger, 401, call('DELETE', '/sessions/current')),
  'DELETE /api/v1/sessions/current, malformed bearer': ends(
    0,
    malformed,
    call('DELETE', '/sessions/current'),
  ),
  'DELETE /api/v1/sessions/current, bearer': ends(1, app(), call('DELETE', '/sessions/current')),
  'DELETE /api/v1/sessions/current, cookie': ends(1, browser, call('DELETE', '/sessions/current')),
  'DELETE /api/v1/sessions/current, ended bearer': ends(0, signedOutApp, call('DELETE', '/sessions/current')),
  'DELETE /api/v1/sessions/:id, another, bearer': ends(1, app(), another),
  'DELETE /api/v1/sessions/:id, another, cookie': ends(1, browser, another),
  "DELETE /api/v1/sessions/:id, one's own, bearer": ends(
    1,
    app(),
    call('DELETE', (who) => `/sessions/${who.session.id}`),
  ),
  'DELETE /api/v1/sessions/:id, unknown, bearer': by(
    app(),
    404,
    call('DELETE', `/sessions/${UNKNOWN_SESSION_ID}`),
  ),
  'DELETE /api/v1/sessions, others, bearer': ends(1, app(), call('DELETE', '/sessions?scope=others')),
  'DELETE /api/v1/sessions, others, there are none': ends(
    0,
    loneApp,
    call('DELETE', '/sessions?scope=others'),
  ),
  'DELETE /api/v1/sessions, all, bearer': ends(2, app(), call('DELETE', '/sessions?scope=all')),
  'DELETE /api/v1/sessions, all, cookie': ends(2, browser, call('DELETE', '/sessions?scope=all')),
  'DELETE /api/v1/sessions, no scope': by(app(), 400, call('DELETE', '/sessions')),

  'PUT /api/v1/password, malformed bearer': by(malformed, 401, changePassword(PASSWORD)),
  'PUT /api/v1/password, right': ends(1, app(), changePassword(PASSWORD)),
  'PUT /api/v1/password, wrong': by(app(), 401, changePassword('wrong')),
  'GET /api/v1/logouts, malformed bearer': by(malformed, 401, call('GET', '/logouts')),
  'GET /api/v1/logouts, bearer': by(app(), 200, call('GET', '/logouts')),
  'GET /api/v1/logouts, stale bearer': by(staleApp, 200, call('GET', '/logouts')),
  'GET /api/v1/logouts, ended bearer': by(signedOutApp, 401, call('GET', '/logouts')),
  'GET /api/v1/openapi.json, nobody': by(stranger, 200, call('GET', '/openapi.json')),
});
