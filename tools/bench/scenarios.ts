import type { SessionKind } from '../../src/session/session.ts';
import { newToken } from '../../src/session/token.ts';
import type { RedisClient } from '../../src/store/redis-client.ts';
import type { CandidateName } from './candidates.ts';
import type { ExpectedAnswer, LoadRequest } from './load.ts';
import { clientHeaders, PASSWORD, PUBLIC_ORIGIN, usernameOf } from './people.ts';
import { browserCookies, seedBetterAuth, seedSessions, type SeededSession } from './seed.ts';

/** What requests are made from. */
export interface Stage {
  redis: RedisClient;
  secretKey: string;
  origins: Record<CandidateName, string>;
}

export const SCENARIO_NAMES = [
  'session check',
  '/home/',
  'session list',
  'logout',
  'revoke all',
  'sign-in',
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** One row of the table: a candidate in a scenario. */
export interface Cell {
  scenario: ScenarioName;
  candidate: CandidateName;
  /** Tells rows of one candidate apart; empty where there is one. */
  variant: string;
  concurrency: number;
  /** False: each request uses something up, a session that it ends. */
  repeat: boolean;
  expected: ExpectedAnswer;
  /** Brings the stores into the state that these requests need. */
  prepare(stage: Stage, count: number): Promise<LoadRequest[]>;
}

/** Two sessions for each of these many people, as two devices make them. */
const DEVICES = 2;
/** Requests at once: enough that nobody waits for the client, few enough for two cores. */
const CONCURRENCY = 4;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const twice = (count: number): number[] => range(count * DEVICES).map((i) => Math.floor(i / DEVICES));
const firstOfEach = <T>(items: readonly T[]): T[] => items.filter((_, i) => i % DEVICES === 0);

const seed = async (stage: Stage, count: number, kind: SessionKind): Promise<SeededSession[]> =>
  firstOfEach(await seedSessions(stage.redis, twice(count), kind));

/** Requests of apps, with a bearer token. */
const bearer =
  (method: string, path: string) =>
  async (stage: Stage, count: number): Promise<LoadRequest[]> =>
    (await seed(stage, count, 'bearer')).map(({ token }, i) => ({
      method,
      path,
      headers: { ...clientHeaders(i), Authorization: `Bearer ${token}` },
    }));

/** Sign-outs with nothing to end: the whole work for the answer, and no row to be written behind it. */
const endedBearer = (_stage: Stage, count: number): Promise<LoadRequest[]> =>
  Promise.resolve(
    range(count).map((i) => ({
      method: 'DELETE',
      path: '/api/v1/sessions/current',
      headers: { ...clientHeaders(i), Authorization: `Bearer ${newToken()}` },
    })),
  );

/** Requests of a browser. */
const browser =
  (method: 'GET' | 'POST', path: string) =>
  async (stage: Stage, count: number): Promise<LoadRequest[]> => {
    const sessions = await seed(stage, count, 'cookie');
    return Promise.all(
      sessions.map(async (session, i) => {
        const { cookie, formToken } = await browserCookies(stage.secretKey, session);
        const headers = { ...clientHeaders(i), Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' };
        if (method === 'GET') return { method, path, headers };
        return {
          method,
          path,
          headers: {
            ...headers,
            Origin: PUBLIC_ORIGIN,
            'Content-Type': 'application/x-www-form-urlencoded',
          },
          body: `csrfmiddlewaretoken=${formToken}`,
        };
      }),
    );
  };

const betterAuth =
  (method: 'GET' | 'POST', path: string) =>
  async (stage: Stage, count: number): Promise<LoadRequest[]> => {
    const origin = stage.origins['better-auth'];
    const cookies = firstOfEach(await seedBetterAuth(origin, stage.secretKey, twice(count)));
    return cookies.map((cookie, i) => ({
      method,
      path,
      headers: {
        ...clientHeaders(i),
        Cookie: cookie,
        ...(method === 'POST' ? { Origin: PUBLIC_ORIGIN, 'Content-Type': 'application/json' } : {}),
      },
      ...(method === 'POST' ? { body: '{}' } : {}),
    }));
  };

/** One for each of `count` people: nobody comes near the limits of the throttle. */
const signIn =
  (path: string) =>
  (_stage: Stage, count: number): Promise<LoadRequest[]> =>
    Promise.resolve(
      range(count).map((i) => ({
        method: 'POST',
        path,
        headers: {
          ...clientHeaders(i),
          'Content-Type': 'application/json',
          Origin: PUBLIC_ORIGIN,
        },
        body: JSON.stringify({ username: usernameOf(i), password: PASSWORD }),
      })),
    );

/** The floor hashes nothing: it is handed the key. */
const floor =
  (method: 'GET' | 'DELETE') =>
  async (stage: Stage, count: number): Promise<LoadRequest[]> =>
    (await seed(stage, count, 'bearer')).map(({ tokenHash }, i) => ({
      method,
      path: '/session',
      headers: { ...clientHeaders(i), Authorization: `Bearer session:${tokenHash}` },
    }));

const shared = { variant: '', concurrency: CONCURRENCY, repeat: true };
const operation = { ...shared, repeat: false };
/** A sign-in is CPU: a second one at once would only wait for the first. */
const alone = { ...shared, concurrency: 1 };
const ok = (contains: string): ExpectedAnswer => ({ status: 200, contains });

export const CELLS: readonly Cell[] = [
  {
    ...shared,
    scenario: 'session check',
    candidate: 'floor',
    expected: ok('"session"'),
    prepare: floor('GET'),
  },
  {
    ...shared,
    scenario: 'session check',
    candidate: 'service',
    variant: 'bearer',
    expected: ok('"user"'),
    prepare: bearer('GET', '/api/v1/sessions/current'),
  },
  {
    ...shared,
    scenario: 'session check',
    candidate: 'service',
    variant: 'cookie',
    expected: ok('"user"'),
    prepare: browser('GET', '/api/v1/sessions/current'),
  },
  {
    ...shared,
    scenario: 'session check',
    candidate: 'better-auth',
    expected: ok('"user"'),
    prepare: betterAuth('GET', '/api/auth/get-session'),
  },
  {
    ...shared,
    scenario: '/home/',
    candidate: 'service',
    expected: ok('Hello, '),
    prepare: browser('GET', '/home/'),
  },
  {
    ...shared,
    scenario: 'session list',
    candidate: 'service',
    expected: ok('"sessions"'),
    prepare: bearer('GET', '/api/v1/sessions'),
  },
  {
    ...shared,
    scenario: 'session list',
    candidate: 'better-auth',
    expected: ok('"token"'),
    prepare: betterAuth('GET', '/api/auth/list-sessions'),
  },
  {
    ...operation,
    scenario: 'logout',
    candidate: 'floor',
    variant: 'three calls',
    expected: ok('"ended":1'),
    prepare: floor('DELETE'),
  },
  {
    ...operation,
    scenario: 'logout',
    candidate: 'service',
    variant: 'bearer',
    expected: ok('"revoked":1'),
    prepare: bearer('DELETE', '/api/v1/sessions/current'),
  },
  {
    ...shared,
    scenario: 'logout',
    candidate: 'service',
    variant: 'already ended',
    expected: ok('"revoked":0'),
    prepare: endedBearer,
  },
  {
    ...operation,
    scenario: 'logout',
    candidate: 'service',
    variant: 'page',
    expected: { status: 303 },
    prepare: browser('POST', '/logout/'),
  },
  {
    ...operation,
    scenario: 'logout',
    candidate: 'better-auth',
    expected: ok('true'),
    prepare: betterAuth('POST', '/api/auth/sign-out'),
  },
  {
    ...operation,
    scenario: 'revoke all',
    candidate: 'service',
    expected: ok('"revoked":2'),
    prepare: bearer('DELETE', '/api/v1/sessions?scope=all'),
  },
  {
    ...operation,
    scenario: 'revoke all',
    candidate: 'better-auth',
    expected: ok('true'),
    prepare: betterAuth('POST', '/api/auth/revoke-sessions'),
  },
  {
    ...alone,
    scenario: 'sign-in',
    candidate: 'floor',
    variant: 'one wait',
    expected: ok('"session"'),
    prepare: floor('GET'),
  },
  {
    ...alone,
    scenario: 'sign-in',
    candidate: 'bcrypt',
    expected: ok('true'),
    prepare: (_stage, count) =>
      Promise.resolve(range(count).map((i) => ({ method: 'GET', path: '/', headers: clientHeaders(i) }))),
  },
  {
    ...alone,
    scenario: 'sign-in',
    candidate: 'service',
    expected: { status: 201 },
    prepare: signIn('/api/v1/sessions'),
  },
  {
    ...alone,
    scenario: 'sign-in',
    candidate: 'better-auth',
    expected: ok('"token"'),
    prepare: signIn('/api/auth/sign-in/username'),
  },
];
