import { seedBetterAuth } from './better-auth.ts';
import type { LoadRequest } from './load.ts';
import {
  browserCookies,
  directRedis,
  newToken,
  seedSessions,
  type SeededSession,
  type SessionKind,
} from './seed.ts';
import type { TestEnvironment } from './test-environment.ts';
import { clientHeaders, PASSWORD, PUBLIC_ORIGIN, usernameOf } from './users.ts';

/** Puts the stores into the state that these requests need, one request for each of these users. */
export type Prepare = (
  environment: TestEnvironment,
  users: readonly number[],
  /** Where the candidate listens. */
  origin: string,
) => Promise<LoadRequest[]>;

/** What is the same for all requests of a kind. */
type Kind = Pick<LoadRequest, 'name' | 'method' | 'path' | 'expected'>;

/** Expects this status, or 200 with a body that contains this text. */
const kind = (name: string, method: Kind['method'], path: string, expected: number | string): Kind => ({
  name,
  method,
  path,
  expected: typeof expected === 'number' ? { status: expected } : { status: 200, contains: expected },
});

const bearerHeaders = (user: number, token: string) => ({
  ...clientHeaders(user),
  Authorization: `Bearer ${token}`,
});

/** The first session of each of these users, who have one on each of so many devices. */
async function firstSessions(
  { cloud }: TestEnvironment,
  users: readonly number[],
  sessionKind: SessionKind,
  devices = 2,
) {
  const owners = users.flatMap((user) => Array.from({ length: devices }, () => user));
  const sessions = await seedSessions(directRedis(cloud.redis), owners, sessionKind);
  return users.map((user, i) => ({ user, ...(sessions[i * devices] as SeededSession) }));
}

const byBearer =
  (shared: Kind, devices?: number): Prepare =>
  async (environment, users) => {
    const sessions = await firstSessions(environment, users, 'bearer', devices);
    return sessions.map(({ user, token }) => ({ ...shared, headers: bearerHeaders(user, token) }));
  };

const byCookie =
  (shared: Kind): Prepare =>
  async (environment, users) => {
    const sessions = await firstSessions(environment, users, 'cookie');
    return sessions.map((session) => {
      const { cookie, formToken } = browserCookies(environment.bindings.SECRET_KEY, session);
      const headers = { ...clientHeaders(session.user), Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' };
      if (shared.method === 'GET') return { ...shared, headers };
      const form = { Origin: PUBLIC_ORIGIN, 'Content-Type': 'application/x-www-form-urlencoded' };
      return { ...shared, headers: { ...headers, ...form }, body: `csrfmiddlewaretoken=${formToken}` };
    });
  };

const byJson =
  (shared: Kind): Prepare =>
  async (_environment, users) =>
    users.map((user) => ({
      ...shared,
      headers: { ...clientHeaders(user), 'Content-Type': 'application/json', Origin: PUBLIC_ORIGIN },
      body: JSON.stringify({ username: usernameOf(user), password: PASSWORD }),
    }));

/** The baselines hash nothing: they are given the key. */
const byKey =
  (shared: Kind): Prepare =>
  async (environment, users) => {
    const sessions = await firstSessions(environment, users, 'bearer');
    return sessions.map(({ user, tokenHash }) => ({
      ...shared,
      headers: bearerHeaders(user, `session:${tokenHash}`),
    }));
  };

const byBetterAuthCookie =
  (shared: Kind): Prepare =>
  async ({ bindings }, users, origin) => {
    const cookies = await seedBetterAuth(origin, bindings.SECRET_KEY, users);
    return cookies.map((cookie, i) => {
      const headers = { ...clientHeaders(users[i] ?? 0), Cookie: cookie };
      if (shared.method === 'GET') return { ...shared, headers };
      const json = { Origin: PUBLIC_ORIGIN, 'Content-Type': 'application/json' };
      return { ...shared, headers: { ...headers, ...json }, body: '{}' };
    });
  };

/** Requests that need nothing in the stores. */
const byUser =
  (shared: Kind, headersOf: (user: number) => Record<string, string>): Prepare =>
  async (_environment, users) =>
    users.map((user) => ({ ...shared, headers: headersOf(user) }));

const CURRENT = '/api/v1/sessions/current';

/** Requests to the service. */
export const service = {
  checkByBearer: byBearer(kind('check (bearer)', 'GET', CURRENT, '"user"')),
  checkByCookie: byCookie(kind('check (cookie)', 'GET', CURRENT, '"user"')),
  home: byCookie(kind('/home/', 'GET', '/home/', 'Hello, ')),
  list: byBearer(kind('session list', 'GET', '/api/v1/sessions', '"sessions"')),
  signIn: byJson(kind('sign-in', 'POST', '/api/v1/sessions', 201)),
  logoutByBearer: byBearer(kind('logout (bearer)', 'DELETE', CURRENT, '"revoked":1')),
  logoutPage: byCookie(kind('logout (page)', 'POST', '/logout/', 303)),
  /** Sign-outs of sessions that don't exist: all the work for the response, and no row to write. */
  logoutOfNone: byUser(kind('logout (already ended)', 'DELETE', CURRENT, '"revoked":0'), (user) =>
    bearerHeaders(user, newToken()),
  ),
  /** Ends all sessions of users who have so many. */
  revokeAll: (sessions: number): Prepare =>
    byBearer(kind('revoke all', 'DELETE', '/api/v1/sessions?scope=all', `"revoked":${sessions}`), sessions),
};

/** Requests to the baselines. */
export const baseline = {
  check: byKey(kind('check', 'GET', '/session', '"session"')),
  logout: byKey(kind('logout', 'DELETE', '/session', '"ended":1')),
  bcrypt: byUser(kind('bcrypt', 'GET', '/', 'true'), clientHeaders),
};

/** Requests to better-auth. */
export const betterAuth = {
  check: byBetterAuthCookie(kind('check', 'GET', '/api/auth/get-session', '"user"')),
  list: byBetterAuthCookie(kind('session list', 'GET', '/api/auth/list-sessions', '"token"')),
  logout: byBetterAuthCookie(kind('logout', 'POST', '/api/auth/sign-out', 'true')),
  revokeAll: byBetterAuthCookie(kind('revoke all', 'POST', '/api/auth/revoke-sessions', 'true')),
  signIn: byJson(kind('sign-in', 'POST', '/api/auth/sign-in/username', '"token"')),
};
