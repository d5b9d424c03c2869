import { beforeAll, describe, expect, test } from 'vitest';
import { CHEAP_HASH } from '../support/hostile-strings.ts';
import { loginRows, PASSWORD, unknownNameOf, type TestUser } from '../support/people.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { freshAddress, openSignInForm } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

const KINDS = ['unknown name', 'wrong password', 'inactive user', 'long password'] as const;
type Kind = (typeof KINDS)[number];

interface Guess {
  username: string;
  password: string;
}

const people = new Map<Kind, string[]>();

/** Samples of each kind; each user is guessed at a few times, below every limit. */
const SAMPLES = 20;

beforeAll(async () => {
  for (const kind of KINDS) {
    const names: string[] = [];
    for (let i = 0; i < SAMPLES / 5; i += 1) {
      // As long as existing names, so that the length of what is echoed reveals nothing.
      const isUnknown = kind === 'unknown name';
      names.push(
        isUnknown
          ? `person-x${i}`
          : (await environment.addUser({ isActive: kind !== 'inactive user' })).username,
      );
    }
    people.set(kind, names);
  }
});

function guessOf(kind: Kind, index: number): Guess {
  const names = people.get(kind) ?? [];
  const username = names[index % names.length] ?? '';
  if (kind === 'inactive user') return { username, password: PASSWORD };
  return { username, password: kind === 'long password' ? 'x'.repeat(4096) : 'wrong password' };
}

const byApi = ({ username, password }: Guess) =>
  environment.fetch(`${ORIGIN}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() },
    body: JSON.stringify({ username, password }),
  });

/** Header by header, without what differs in every response. */
function headersOf(headers: Iterable<[string, string]>): [string, string][] {
  return [...headers]
    .filter(([name]) => !['x-request-id', 'date', 'content-length'].includes(name))
    .map(([name, value]): [string, string] => [
      name,
      // Calls of less than a millisecond may or may not overlap.
      name === 'server-timing'
        ? value.replace(/round trips: \d+/, 'round trips: N')
        : value.replace(/^csrftoken=[^;]+/, 'csrftoken=X'),
    ]);
}

describe('whatever is wrong, the response is the same', () => {
  /** Credentials that look right, and what is wrong with them. */
  const nearMisses = ({ username, password }: TestUser): Guess[] => [
    { username: username.toUpperCase(), password },
    { username: `\u200b${username}`, password },
    { username: `${username}\0`, password },
    { username, password: `${password} ` },
    { username, password: `${password}\0` },
  ];

  test('on the page, and each guess is recorded', async () => {
    const user = await environment.addUser();
    const inactive = await environment.addUser({ isActive: false });
    const unreadable = await environment.addUser({
      passwordHash: 'md5$salt$d41d8cd98f00b204e9800998ecf8427e',
    });
    const responses = [];
    for (const guess of [
      ...KINDS.map((kind) => guessOf(kind, 0)),
      { username: 'unknown-to-all', password: PASSWORD },
      inactive,
      unreadable,
      ...nearMisses(user),
    ]) {
      const visitor = environment.visitor();
      const response = await visitor.trySignIn(guess);
      expect(response.csrfToken).not.toBeNull();
      expect(response.body).not.toContain(PASSWORD);
      expect(await visitor.isSignedIn()).toBe(false);
      const body = response.body
        .replace(/name="csrfmiddlewaretoken" value="[^"]+"/, 'token')
        .replace(/(name="username"[^>]*) value="[^"]*"/, '$1 value="NAME"');
      responses.push({ status: response.status, headers: headersOf(response.headers), body });
    }
    const [first] = responses;
    expect(first?.status).toBe(401);
    expect(/role="alert"[^>]*>([^<]+)</.exec(first?.body ?? '')?.[1]).toBe('Incorrect username or password.');
    expect(first?.headers.filter(([, value]) => value.startsWith('sessionid'))).toEqual([]);
    for (const response of responses) expect(response).toEqual(first);

    await environment.worker.delivered();
    expect(await loginRows(environment.cloud, user.username)).toMatchObject([
      { outcome: 'bad_credentials', user_id: user.id, session_id: null },
      { outcome: 'bad_credentials', user_id: user.id, session_id: null },
    ]);
    expect(await loginRows(environment.cloud, unknownNameOf('unknown-to-all'))).toMatchObject([
      {
        outcome: 'bad_credentials',
        user_id: null,
        username: expect.stringMatching(/^unknown:[0-9a-f]{16}$/) as string,
      },
    ]);
    expect(await loginRows(environment.cloud, inactive.username)).toMatchObject([
      { outcome: 'inactive', user_id: inactive.id },
    ]);
  });

  test('of the API', async () => {
    const user = await environment.addUser();
    const responses = [];
    for (const guess of [...KINDS.map((kind) => guessOf(kind, 1)), ...nearMisses(user)]) {
      const response = await byApi(guess);
      expect(response.headers.getSetCookie()).toEqual([]);
      const { request_id, ...problem } = (await response.json()) as Record<string, unknown>;
      expect(request_id).toBe(response.headers.get('X-Request-Id'));
      responses.push({ status: response.status, headers: headersOf(response.headers), problem });
    }
    expect(responses[0]).toMatchObject({ status: 401, problem: { code: 'bad_credentials' } });
    for (const response of responses) expect(response).toEqual(responses[0]);
  });

  test('when throttled, too', async () => {
    const form = await openSignInForm(environment);
    const responses: unknown[] = [];
    for (const kind of KINDS) {
      const address = freshAddress();
      await environment.cloud.redis.hset(`throttle:network:${address}`, 'failures', 200);
      await environment.cloud.redis.expire(`throttle:network:${address}`, 600);
      const headers = { 'CF-Connecting-IP': address, Accept: 'application/json' };
      const response = await form.submit({ ...guessOf(kind, 2) }, headers);
      const { request_id, ...problem } = (await response.json()) as Record<string, unknown>;
      expect(request_id).toMatch(/./);
      responses.push({
        status: response.status,
        problem,
        retry: Math.round(Number(response.headers.get('Retry-After')) / 100),
      });
    }
    expect(responses[0]).toMatchObject({ status: 429 });
    for (const response of responses) expect(response).toEqual(responses[0]);
  });
});

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return (
    ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) /
    2
  );
};

/**
 * The chance that a response of one kind took longer than one of the other (Mann-Whitney U over the number of pairs):
 * 0.5 if the time reveals nothing, 0 or 1 if a single response gives the kind away.
 */
function chanceOfLonger(a: readonly number[], b: readonly number[]): number {
  let wins = 0;
  for (const x of a) for (const y of b) wins += x > y ? 1 : x === y ? 0.5 : 0;
  return wins / (a.length * b.length);
}

/** Farther apart than any noise on a busy machine, by the median and by the order, and nearer than one bcrypt. */
function isDistinguishable(a: readonly number[], b: readonly number[]): boolean {
  const ratio = median(a) / median(b);
  const chance = chanceOfLonger(a, b);
  return (ratio < 0.7 || ratio > 1.4) && (chance < 0.1 || chance > 0.9);
}

test('and it takes the same time', async () => {
  // The control: a hash this cheap is as good as no bcrypt at all.
  const cheap = (await environment.addUser({ passwordHash: CHEAP_HASH })).username;
  const times = new Map<Kind | 'skipped', number[]>([
    ['skipped', []],
    ...KINDS.map((kind): [Kind, number[]] => [kind, []]),
  ]);
  const measure = async (kind: Kind | 'skipped', guess: Guess): Promise<void> => {
    const startedAtMs = performance.now();
    const response = await byApi(guess);
    times.get(kind)?.push(performance.now() - startedAtMs);
    expect(response.status).toBe(401);
  };
  // Interleaved, so that other load on the machine affects all kinds alike.
  for (let i = 0; i < SAMPLES; i += 1) {
    for (const kind of KINDS) await measure(kind, guessOf(kind, i));
    await measure('skipped', { username: cheap, password: 'wrong password' });
  }
  const reference = times.get('wrong password') ?? [];
  const medians = Object.fromEntries([...times].map(([kind, each]) => [kind, Math.round(median(each))]));
  expect(isDistinguishable(times.get('skipped') ?? [], reference), JSON.stringify(medians)).toBe(true);
  for (const kind of KINDS) {
    const isTimeDifferent = isDistinguishable(times.get(kind) ?? [], reference);
    expect(isTimeDifferent, `${kind}: ${JSON.stringify(medians)}`).toBe(false);
  }
});

testAftermath(environment);
