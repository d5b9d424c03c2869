import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/session/session.ts';
import { newToken } from '../../src/session/token.ts';
import { addUser, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor, type SeededSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

/**
 * A browser with its own session and a cookie of the same name before it, as a sibling site can set one for the parent
 * domain. The CSRF token is that of its own session.
 */
async function withPlanted(plant: (victim: TestUser) => Promise<string>) {
  const victim = await addUser(environment.cloud);
  const planted = await plant(victim);
  const own = await seedVisitor(environment, victim);
  const { csrfToken } = await own.visitor.get('/home/');
  const csrfCookie = await own.visitor.cookie('csrftoken');
  // Django's own csrftoken of the sibling site comes first as well.
  const sibling = `csrftoken=${'d'.repeat(64)}`;
  const Cookie = `sessionid=${planted}; sessionid=${own.token}; ${sibling}; csrftoken=${csrfCookie}`;
  return { victim, planted, own, Cookie, csrfmiddlewaretoken: csrfToken ?? '' };
}

const seedCookie = (user: TestUser, changes: Partial<Session> = {}): Promise<SeededSession> =>
  seedSession(environment.cloud, user, { kind: 'cookie', ...changes });

/** A session that was signed out. */
async function endedToken(): Promise<string> {
  const { visitor, token } = await seedVisitor(environment, await addUser(environment.cloud));
  await visitor.logOut();
  return token;
}

const PLANTED: [string, (victim: TestUser) => Promise<string>][] = [
  ['garbage', () => Promise.resolve('garbage')],
  ['one that nobody ever had', () => Promise.resolve(newToken())],
  ['one that has ended', endedToken],
  [
    "a bearer's",
    async () =>
      (await seedSession(environment.cloud, await addUser(environment.cloud), { kind: 'bearer' })).token,
  ],
];

/** The log's lines for this event. */
const logged = (event: string): Record<string, unknown>[] =>
  environment.worker.logs
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['event'] === event);

const isOpen = async (token: string): Promise<boolean> => {
  const answer = await environment.worker.visitor().get('/home/', { Cookie: `sessionid=${token}` });
  return answer.status === 200;
};

describe.each(PLANTED)('a cookie before the good one: %s', (_, plant) => {
  test('signs nobody out, in pages, the API and lists', async () => {
    const { victim, own, Cookie } = await withPlanted(plant);
    const home = await own.visitor.get('/home/', { Cookie });
    expect([home.status, home.body.includes(victim.username)]).toEqual([200, true]);
    for (const path of ['/sessions/', '/account/password/', '/api/v1/sessions/current', '/api/v1/sessions'])
      expect((await own.visitor.get(path, { Cookie })).status, path).toBe(200);
    expect((await own.visitor.get('/sign-in/', { Cookie })).status).toBe(302);
  });

  test('does not stop a sign-out, which ends the good one', async () => {
    const { own, Cookie, csrfmiddlewaretoken } = await withPlanted(plant);
    expect((await own.visitor.post('/logout/', { csrfmiddlewaretoken }, { Cookie })).status).toBe(303);
    expect(await isOpen(own.token)).toBe(false);
  });

  test('does not stop a revocation', async () => {
    const { victim, own, Cookie, csrfmiddlewaretoken } = await withPlanted(plant);
    const other = await seedCookie(victim);
    const fields = { csrfmiddlewaretoken, scope: 'others' };
    expect((await own.visitor.post('/sessions/revoke/', fields, { Cookie })).status).toBe(303);
    expect([await isOpen(own.token), await isOpen(other.token)]).toEqual([true, false]);
  });
});

describe('several open sessions', () => {
  test('of one user: the newest counts, wherever its cookie stands', async () => {
    const user = await addUser(environment.cloud);
    const [older, newer] = [
      await seedCookie(user, { createdAtMs: Date.now() - 60_000 }),
      await seedCookie(user),
    ];
    for (const tokens of [
      [older.token, newer.token],
      [newer.token, older.token],
    ]) {
      const Cookie = tokens.map((token) => `sessionid=${token}`).join('; ');
      const current = await environment.worker.visitor().get('/api/v1/sessions/current', { Cookie });
      expect(JSON.parse(current.body)).toMatchObject({ session: { id: newer.session.id } });
    }
  });

  test('of two users: nobody is signed in, nothing is changed, and it is logged', async () => {
    const attacker = await addUser(environment.cloud);
    const { victim, planted, own, Cookie, csrfmiddlewaretoken } = await withPlanted(
      async () => (await seedCookie(attacker)).token,
    );
    expect((await own.visitor.get('/home/', { Cookie })).status).toBe(302);
    expect((await own.visitor.get('/api/v1/sessions', { Cookie })).status).toBe(401);
    expect((await own.visitor.get('/sign-in/', { Cookie })).status).toBe(200);
    for (const scope of ['all', 'others']) {
      const answer = await own.visitor.post('/sessions/revoke/', { csrfmiddlewaretoken, scope }, { Cookie });
      expect([answer.status, answer.location]).toEqual([303, '/sign-in/?next=%2Fsessions%2F']);
    }
    expect([await isOpen(planted), await isOpen(own.token)]).toEqual([true, true]);
    const users = logged('session_cookies_conflict').map((line) => (line['user_ids'] as string[]).sort());
    expect(users).toContainEqual([victim.id, attacker.id].sort());
  });

  test('of two users: a sign-out ends all of them, with the token of any', async () => {
    const { planted, own, Cookie, csrfmiddlewaretoken } = await withPlanted(
      async () => (await seedCookie(await addUser(environment.cloud))).token,
    );
    const answer = await own.visitor.post('/logout/', { csrfmiddlewaretoken }, { Cookie });
    expect(answer.status).toBe(303);
    expect([await isOpen(planted), await isOpen(own.token)]).toEqual([false, false]);
  });

  test('of two users: a sign-in replaces all of them, so that it never loops', async () => {
    const { victim, planted, own, Cookie } = await withPlanted(
      async () => (await seedCookie(await addUser(environment.cloud))).token,
    );
    const form = await own.visitor.get('/sign-in/', { Cookie });
    const fields = {
      csrfmiddlewaretoken: form.csrfToken ?? '',
      username: victim.username,
      password: victim.password,
    };
    const fresh = form.setCookies.find((cookie) => cookie.startsWith('csrftoken='))?.split(';')[0];
    const csrf = fresh === undefined ? Cookie : `${Cookie}; ${fresh}`;
    const answer = await own.visitor.post('/sign-in/', fields, { Cookie: csrf });
    expect([answer.status, answer.location]).toEqual([303, '/home/']);
    expect([await isOpen(planted), await isOpen(own.token)]).toEqual([false, false]);
  });
});

test('more than four cookies: the first four count, and it is logged', async () => {
  const { token } = await seedCookie(await addUser(environment.cloud));
  const after = (count: number): string =>
    [...Array.from({ length: count }, newToken), token].map((each) => `sessionid=${each}`).join('; ');
  const visitor = environment.worker.visitor();
  expect((await visitor.get('/home/', { Cookie: after(3) })).status).toBe(200);
  expect((await visitor.get('/home/', { Cookie: after(4) })).status).toBe(302);
  expect(logged('session_cookies_ignored').map((line) => line['count'])).toEqual([1]);
});

test('the own session ends with those of its duplicates, as all cookies expire', async () => {
  const { victim, own, Cookie, csrfmiddlewaretoken } = await withPlanted(() => Promise.resolve(newToken()));
  const duplicate = await seedCookie(victim, { createdAtMs: Date.now() - 60_000 });
  const fields = { csrfmiddlewaretoken, id: own.session.id };
  const both = { Cookie: `${Cookie}; sessionid=${duplicate.token}` };
  expect((await own.visitor.post('/sessions/revoke/', fields, both)).status).toBe(303);
  expect([await isOpen(duplicate.token), await isOpen(own.token)]).toEqual([false, false]);
});
