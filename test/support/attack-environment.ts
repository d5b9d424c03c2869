import type { RequestInit, Response } from 'miniflare';
import { expect, test } from 'vitest';
import type { Row } from '../../tools/local-cloud/proxy.ts';
import { expectIndexesAgree } from '../stores/redis-contents.ts';
import { addUser, type NewUser, type TestUser } from './people.ts';
import { seedVisitor } from './seed-session.ts';
import { useTestEnvironment, type TestEnvironment } from './test-environment.ts';
import { Visitor, type VisitorOptions } from './visitor.ts';
import type { WorkerOptions } from './worker.ts';

/** All headers that an answer of this service may have: one more was smuggled in, or tells too much. */
const HEADERS = new Set([
  ...['content-type', 'content-length', 'transfer-encoding', 'connection', 'date', 'location', 'set-cookie'],
  ...['cache-control', 'content-security-policy', 'strict-transport-security', 'referrer-policy'],
  ...[
    'x-content-type-options',
    'x-frame-options',
    'x-permitted-cross-domain-policies',
    'origin-agent-cluster',
  ],
  ...['cross-origin-opener-policy', 'cross-origin-resource-policy', 'x-request-id', 'allow', 'retry-after'],
  ...['www-authenticate', 'server-timing', 'content-language', 'vary'],
]);

/** What the simulator of Workers adds for itself. */
const SIMULATOR_HEADER = /^mf-/;

/** What no client should ever read: traces, and the words of what lies behind. */
const LEAKS = [
  /\n\s*at .+[(/].*:\d+/,
  /\b(?:Type|Syntax|Range|Reference|Database|Zod)Error\b/,
  /\b(?:upstash|planetscale|vitess|vttablet|mariadb|ioredis|workerd|miniflare|bcrypt|zod)/i,
  /\b(?:errno|sqlstate|user_script|cjson)\b|SQL syntax|WRONGTYPE|NOSCRIPT/i,
];

/** Every key that the service writes to Redis. */
const REDIS_KEY =
  /^(?:(?:session|ended):[\w-]{43}|user-sessions:\d+|operation:[\da-f-]{36}|session-ends:(?:\d+|oldest)|cutoff:\d+|sign-in:[\w-]{43}|outbox:(?:pending|attempts|ping)|password-changes|throttle:(?:attempt:[\da-f-]{36}|account:[\w-]{43}|(?:account-network:[\w-]{43}|network):(?:[\d.]+|[\da-f:]+::\/64)|site:[\da-f:]+::\/48|device:[\w-]{43}:[\w-]{22}|session:[\da-z]{26}))$/;

/**
 * Events that are logged when something is broken, which nothing from outside may bring about. A store that takes
 * its time is none: that is how a busy machine looks from inside.
 */
const ALARMS =
  /^(?!.*"fault":"timeout").*(?:uncaught|"event":"(?:internal_error|settings_malformed|store_unavailable|background_failed|activity_set_aside)")/;

export interface AttackEnvironment extends TestEnvironment {
  /** A visitor whose every answer is judged. */
  visitor(options?: VisitorOptions): Visitor;
  /** One request as it stands, its answer judged. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Adds a user whose row has to be the same in the end. */
  addUser(wanted?: NewUser): Promise<TestUser>;
  /** A browser with an open session of this user, without the work of a password. */
  seedVisitor(user?: TestUser): Promise<SeededVisitor>;
  /** Takes the rows of all users, as they are now, for what they have to be in the end. */
  rememberUsers(): Promise<void>;
  expectUsersUnchanged(): Promise<void>;
  /** Rows in the three tables, and open sessions, once everything recorded is delivered. */
  counts(): Promise<Counts>;
}

export type SeededVisitor = Awaited<ReturnType<typeof seedVisitor>> & { user: TestUser };

export interface Counts {
  users: number;
  logins: number;
  logouts: number;
  sessions: number;
}

/** For hostile input: no response may be a 5xx, reveal something of the inside or have a header that isn't ours. */
export function useAttackEnvironment(bindings?: WorkerOptions['bindings']): AttackEnvironment {
  const plain = useTestEnvironment(bindings);
  let expected: Row[] = [];
  const fetch: AttackEnvironment['fetch'] = async (url, init) => {
    const response = await plain.worker.fetch(url, init);
    expectHarmless(response, await response.clone().text());
    return response;
  };
  const readUsers = (condition = 'TRUE', args: unknown[] = []): Promise<Row[]> =>
    plain.cloud.query(
      `SELECT id, username, password_hash, is_active FROM users WHERE ${condition} ORDER BY id`,
      args,
    );

  const visitor = (options?: VisitorOptions): Visitor => new Visitor(fetch, options);

  /** What could not be delivered right after its answer is left to the cron. */
  const deliverAll = async (): Promise<void> => {
    await plain.worker.delivered().catch(() => plain.worker.scheduled());
    await plain.cloud.settled();
  };

  const environment: AttackEnvironment = {
    get cloud() {
      return plain.cloud;
    },
    get worker() {
      return plain.worker;
    },
    fetch,
    visitor,
    addUser: async (wanted) => {
      const user = await addUser(plain.cloud, wanted);
      expected.push(...(await readUsers('id = ?', [user.id])));
      return user;
    },
    seedVisitor: async (wanted) => {
      const user = wanted ?? (await environment.addUser());
      const worker = { ...plain.worker, visitor };
      return { ...(await seedVisitor({ cloud: plain.cloud, worker }, user)), user };
    },
    rememberUsers: async () => {
      expected = await readUsers();
    },
    expectUsersUnchanged: async () => expect(await readUsers()).toEqual(expected),
    counts: async () => {
      await deliverAll();
      const [rows] = await plain.cloud.query(
        `SELECT (SELECT COUNT(*) FROM users) AS users, (SELECT COUNT(*) FROM login_activity) AS logins,
           (SELECT COUNT(*) FROM logout_activity) AS logouts`,
      );
      const indexes = await plain.cloud.redis.keys('user-sessions:*');
      const sizes = await Promise.all(indexes.map((key) => plain.cloud.redis.hlen(key)));
      return {
        users: Number(rows?.['users']),
        logins: Number(rows?.['logins']),
        logouts: Number(rows?.['logouts']),
        sessions: sizes.reduce((sum, size) => sum + size, 0),
      };
    },
  };

  return environment;
}

/** Makes the last test of a file: what went on before has broken nothing, left nothing over and locked nobody out. */
export function testAftermath(environment: AttackEnvironment): void {
  test('afterwards nothing is broken or left over, and others get in', async () => {
    const visitor = environment.visitor();
    await visitor.signIn(await environment.addUser());
    expect(await visitor.isSignedIn()).toBe(true);
    await visitor.logOut();
    expect(await visitor.isSignedIn()).toBe(false);

    await environment.counts();
    expect(environment.worker.logs.filter((line) => ALARMS.test(line))).toEqual([]);
    const keys = await environment.cloud.redis.keys('*');
    expect(keys.filter((key) => !REDIS_KEY.test(key))).toEqual([]);
    for (const key of ['outbox:pending', 'outbox:attempts'])
      expect(await environment.cloud.redis.xlen(key)).toBe(0);
    await expectIndexesAgree(environment.cloud.redis, Date.now());
    await environment.expectUsersUnchanged();
  });
}

/** Judges an answer whatever it was an answer to. What is echoed into a field's value is the client's own text. */
export function expectHarmless(
  response: { status: number; headers: Headers | Response['headers'] },
  body: string,
): void {
  expect(response.status, body).toBeLessThan(500);
  const headers = [...response.headers];
  expect(headers.filter(([name]) => !HEADERS.has(name) && !SIMULATOR_HEADER.test(name))).toEqual([]);
  expect(headers.filter(([, value]) => /[\u0000-\u001f\u007f]/.test(value))).toEqual([]);
  const own = body.replace(/ value="[^"]*"/g, '');
  expect(LEAKS.filter((leak) => leak.test(own))).toEqual([]);
}
