import { beforeAll } from 'vitest';
import { networkOf } from '../../src/lib/client-info.ts';
import { ACCOUNT_NETWORK_LIMIT } from '../../src/auth/throttle.ts';
import { uuidV7 } from '../../src/lib/ids.ts';
import { API_BUDGETS } from '../../tools/budgets.ts';
import { STRANGER, UNKNOWN_SESSION_ID } from '../fakes/samples.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { API, type ApiBody } from '../support/api.ts';
import { addUser, PASSWORD, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor, type SeededSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import type { Visitor } from '../support/visitor.ts';
import { by, testBudgets, type Prepared } from './test-budgets.ts';

const environment = useTestEnvironment();

const HOUR_MS = 3_600_000;

interface Client {
  visitor: Visitor;
  user: TestUser;
  /** Undefined for a browser, whose cookies are its credentials. */
  token?: string;
}

interface Device extends Client {
  session: SeededSession['session'];
  other: SeededSession['session'];
}

const anonymous = async (): Promise<Client> => ({
  visitor: environment.worker.visitor(),
  user: await addUser(environment.cloud),
});

const malformed = async (): Promise<Client> => ({ ...(await anonymous()), token: 'not-a-token' });

/** An app of a user who has a second device. */
const app =
  (changes: { createdAtMs?: number } = {}) =>
  async (): Promise<Device> => {
    const client = await anonymous();
    const { session: other } = await seedSession(environment.cloud, client.user);
    return {
      ...client,
      other,
      ...(await seedSession(environment.cloud, client.user, { kind: 'bearer', ...changes })),
    };
  };

async function onlyApp(): Promise<Client> {
  const client = await anonymous();
  return { ...client, token: (await seedSession(environment.cloud, client.user, { kind: 'bearer' })).token };
}

async function browser(): Promise<Device> {
  const user = await addUser(environment.cloud);
  const { session: other } = await seedSession(environment.cloud, user);
  const { visitor, session } = await seedVisitor(environment, user);
  return { user, visitor, session, other };
}

async function staleBrowser(): Promise<Client> {
  const client = await anonymous();
  const { token } = await seedSession(environment.cloud, client.user, { createdAtMs: Date.now() - HOUR_MS });
  await client.visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
  return client;
}

const staleApp = () => app({ createdAtMs: Date.now() - HOUR_MS })();

async function signedOutApp(): Promise<Client> {
  const client = await onlyApp();
  await call('DELETE', '/sessions/current')(client);
  return client;
}

/** After an attempt beyond the limit. */
async function throttled(): Promise<Client> {
  const { visitor, user } = await anonymous();
  const { throttle } = openCloudStores(environment.cloud);
  const network = networkOf(visitor.ipAddress);
  for (let i = 0; i <= ACCOUNT_NETWORK_LIMIT.failures; i += 1)
    await throttle.reserve({
      attemptId: uuidV7(Date.now()),
      username: user.username,
      network,
      source: STRANGER,
    });
  return { visitor, user };
}

/** Sends the request and nothing else: checks of the response must not make it seem slow. */
const call =
  <Which extends Client>(
    method: string,
    path: string | ((client: Which) => string),
    json?: (client: Which) => object,
  ) =>
  async (client: Which) => {
    const csrf = client.token === undefined ? await client.visitor.cookie('csrftoken') : undefined;
    const headers: Record<string, string | undefined> = {
      Authorization: client.token === undefined ? undefined : `Bearer ${client.token}`,
      'X-CSRFToken': csrf,
      'Content-Type': json === undefined ? undefined : 'application/json',
    };
    const response = await client.visitor.request(API + (typeof path === 'string' ? path : path(client)), {
      method,
      headers,
      ...(json === undefined ? {} : { body: JSON.stringify(json(client)) }),
    });
    return { ...response, json: JSON.parse(response.body) as Partial<ApiBody> };
  };

/** A case in which this client's request ends this many sessions. */
const ends = <Which extends Client>(
  revoked: number,
  open: () => Promise<Which>,
  send: (client: Which) => Promise<object>,
) => {
  const prepare = by(open, 200, send);
  return async (): Promise<Prepared> => ({
    ...(await prepare()),
    expected: { status: 200, json: { revoked } },
  });
};

const signIn = (password: string) =>
  call('POST', '/sessions', ({ user: { username } }) => ({ username, password }));
const changePassword = (from: string) =>
  call('PUT', '/password', () => ({ current_password: from, new_password: 'a wholly different phrase' }));
const another = call('DELETE', (client: Device) => `/sessions/${client.other.id}`);

beforeAll(async () => {
  // The first request imports keys and compiles code.
  await signIn(PASSWORD)(await anonymous());
  await call('DELETE', '/sessions?scope=all')(await app()());
});

testBudgets(environment, API_BUDGETS, {
  'POST /api/v1/sessions, right': by(anonymous, 201, signIn(PASSWORD)),
  'POST /api/v1/sessions, wrong password': by(anonymous, 401, signIn('wrong')),
  'POST /api/v1/sessions, throttled again': by(throttled, 429, signIn(PASSWORD)),
  'POST /api/v1/sessions, no fields': by(
    anonymous,
    400,
    call('POST', '/sessions', () => ({})),
  ),

  'GET /api/v1/sessions/current, no credentials': by(anonymous, 401, call('GET', '/sessions/current')),
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

  'DELETE /api/v1/sessions/current, no credentials': by(anonymous, 401, call('DELETE', '/sessions/current')),
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
  'DELETE /api/v1/sessions/:id, own, bearer': ends(
    1,
    app(),
    call('DELETE', (client) => `/sessions/${client.session.id}`),
  ),
  'DELETE /api/v1/sessions/:id, unknown, bearer': by(
    app(),
    404,
    call('DELETE', `/sessions/${UNKNOWN_SESSION_ID}`),
  ),
  'DELETE /api/v1/sessions, others, bearer': ends(1, app(), call('DELETE', '/sessions?scope=others')),
  'DELETE /api/v1/sessions, others, no others': ends(0, onlyApp, call('DELETE', '/sessions?scope=others')),
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
  'GET /api/v1/openapi.json, no credentials': by(anonymous, 200, call('GET', '/openapi.json')),
});
