import { expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

/** A browser with two session cookies of the same name, as if a sibling site had planted the first one. */
async function withPlantedCookie() {
  const [attacker, victim] = [await addUser(environment.cloud), await addUser(environment.cloud)];
  const planted = await seedSession(environment.cloud, attacker, { kind: 'cookie' });
  const own = await seedVisitor(environment, victim);
  const { csrfToken } = await own.visitor.get('/home/');
  const csrfCookie = await own.visitor.cookie('csrftoken');
  const Cookie = `sessionid=${planted.token}; sessionid=${own.token}; csrftoken=${csrfCookie}`;
  return { planted, own, Cookie, csrfmiddlewaretoken: csrfToken ?? '' };
}

const isOpen = async (token: string): Promise<boolean> => {
  const answer = await environment.worker.visitor().get('/home/', { Cookie: `sessionid=${token}` });
  return answer.status === 200;
};

test.each([{ scope: 'all' }, { scope: 'others' }] as const)(
  'a revocation %o acts for the first cookie, so it needs the CSRF token of that session',
  async (fields) => {
    const { planted, own, Cookie, csrfmiddlewaretoken } = await withPlantedCookie();
    const answer = await own.visitor.post(
      '/sessions/revoke/',
      { csrfmiddlewaretoken, ...fields },
      { Cookie },
    );
    expect(answer.status).toBe(403);
    expect([await isOpen(planted.token), await isOpen(own.token)]).toEqual([true, true]);
  },
);

test('a sign-out ends all of them, with the token of any', async () => {
  const { planted, own, Cookie, csrfmiddlewaretoken } = await withPlantedCookie();
  const answer = await own.visitor.post('/logout/', { csrfmiddlewaretoken }, { Cookie });
  expect(answer.status).toBe(303);
  expect([await isOpen(planted.token), await isOpen(own.token)]).toEqual([false, false]);
});
