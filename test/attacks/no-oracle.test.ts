import { beforeAll, describe, expect, test } from 'vitest';
import { testAftermath, useSiege } from '../support/siege.ts';
import { freshAddress, openSignInForm, type SignInForm } from '../support/sign-in-form.ts';
import { ORIGIN } from '../support/visitor.ts';
import { CHEAP_HASH } from '../support/hostile-strings.ts';
import { PASSWORD } from '../support/people.ts';

const siege = useSiege();

const KINDS = ['unknown name', 'wrong password', 'inactive user', 'long password'] as const;
type Kind = (typeof KINDS)[number];

interface Guess {
  username: string;
  password: string;
}

const people = new Map<Kind, string[]>();
let form: SignInForm;

/** Samples of each kind; each user is guessed at a few times, below every limit. */
const SAMPLES = 20;

beforeAll(async () => {
  form = await openSignInForm(siege);
  for (const kind of KINDS) {
    const names: string[] = [];
    for (let i = 0; i < SAMPLES / 5; i += 1) {
      // As long as the names of those that exist: the length of what is echoed tells nothing then.
      const isUnknown = kind === 'unknown name';
      names.push(
        isUnknown ? `person-x${i}` : (await siege.addUser({ isActive: kind !== 'inactive user' })).username,
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
  siege.fetch(`${ORIGIN}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() },
    body: JSON.stringify({ username, password }),
  });

/** Header by header, without what is another one in each answer. */
function headersOf(headers: Iterable<[string, string]>): [string, string][] {
  return [...headers]
    .filter(([name]) => !['x-request-id', 'date', 'content-length'].includes(name))
    .map(([name, value]): [string, string] => [
      name,
      // CallCounts of less than a millisecond overlap or do not.
      name === 'server-timing'
        ? value.replace(/\d+ round trips/, 'N round trips')
        : value.replace(/^csrftoken=[^;]+/, 'csrftoken=X'),
    ]);
}

describe('whatever is wrong, the answer is the same', () => {
  test('of the page', async () => {
    const answers = await Promise.all(
      KINDS.map(async (kind) => {
        const guess = guessOf(kind, 0);
        const answer = await form.submit({ ...guess });
        const body = (await answer.text())
          .replace(/name="csrfmiddlewaretoken" value="[^"]+"/, 'token')
          .replace(` value="${guess.username}"`, ' value="NAME"');
        return { status: answer.status, headers: headersOf(answer.headers), body };
      }),
    );
    expect(answers[0]?.status).toBe(401);
    expect(answers[0]?.body).toContain('Incorrect username or password.');
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('of the API', async () => {
    const answers = await Promise.all(
      KINDS.map(async (kind) => {
        const answer = await byApi(guessOf(kind, 1));
        const { request_id, ...problem } = (await answer.json()) as Record<string, unknown>;
        expect(request_id).toBe(answer.headers.get('X-Request-Id'));
        return { status: answer.status, headers: headersOf(answer.headers), problem };
      }),
    );
    expect(answers[0]).toMatchObject({ status: 401, problem: { code: 'bad_credentials' } });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('when it is throttled, too', async () => {
    const answers: unknown[] = [];
    for (const kind of KINDS) {
      const address = freshAddress();
      await siege.cloud.redis.hset(`throttle:network:${address}`, 'failures', 200);
      await siege.cloud.redis.expire(`throttle:network:${address}`, 600);
      const guess = guessOf(kind, 2);
      const answer = await form.submit(
        { ...guess },
        { 'CF-Connecting-IP': address, Accept: 'application/json' },
      );
      const { request_id, ...problem } = (await answer.json()) as Record<string, unknown>;
      expect(request_id).toMatch(/./);
      answers.push({
        status: answer.status,
        problem,
        retry: Math.round(Number(answer.headers.get('Retry-After')) / 100),
      });
    }
    expect(answers[0]).toMatchObject({ status: 429 });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
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
 * The chance that an answer of one kind took longer than one of the other (Mann and Whitney's U over the number of
 * pairs): a half where the time tells nothing, 0 or 1 where a single answer gives the kind away.
 */
function chanceOfLonger(a: readonly number[], b: readonly number[]): number {
  let wins = 0;
  for (const x of a) for (const y of b) wins += x > y ? 1 : x === y ? 0.5 : 0;
  return wins / (a.length * b.length);
}

/** Farther apart than any noise on a busy machine, by the middle and by the order, and nearer than a bcrypt. */
function isTold(a: readonly number[], b: readonly number[]): boolean {
  const ratio = median(a) / median(b);
  const chance = chanceOfLonger(a, b);
  return (ratio < 0.7 || ratio > 1.4) && (chance < 0.1 || chance > 0.9);
}

test('and it takes the same time', async () => {
  // The control: with a hash this cheap the bcrypt is as good as skipped.
  const cheap = (await siege.addUser({ passwordHash: CHEAP_HASH })).username;
  const times = new Map<Kind | 'skipped', number[]>([
    ['skipped', []],
    ...KINDS.map((kind): [Kind, number[]] => [kind, []]),
  ]);
  const measure = async (kind: Kind | 'skipped', guess: Guess): Promise<void> => {
    const startedAtMs = performance.now();
    const answer = await byApi(guess);
    times.get(kind)?.push(performance.now() - startedAtMs);
    expect(answer.status).toBe(401);
  };
  // In turns, so that whatever else the machine does strikes all kinds alike.
  for (let i = 0; i < SAMPLES; i += 1) {
    for (const kind of KINDS) await measure(kind, guessOf(kind, i));
    await measure('skipped', { username: cheap, password: 'wrong password' });
  }
  const reference = times.get('wrong password') ?? [];
  const medians = Object.fromEntries([...times].map(([kind, each]) => [kind, Math.round(median(each))]));
  expect(isTold(times.get('skipped') ?? [], reference), JSON.stringify(medians)).toBe(true);
  for (const kind of KINDS) {
    expect(isTold(times.get(kind) ?? [], reference), `${kind}: ${JSON.stringify(medians)}`).toBe(false);
  }
});

testAftermath(siege);
