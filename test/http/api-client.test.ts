import { expect, expectTypeOf, test } from 'vitest';
import { apiClient } from '../../packages/client/src/api-client.ts';
import type { components, paths } from '../../packages/client/src/generated/api.ts';
import { addUser, PASSWORD } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useTestEnvironment();

type Problem = components['schemas']['Problem'];

/** As an app decides by the code. */
const wordsFor = ({ code, detail, errors = [] }: Problem): string =>
  code === 'invalid_fields' ? errors.map(({ message }) => message).join(' ') : detail;

/** The Worker instead of the network. Its `Response` type isn't the browser's. */
const workerFetch = async ({ url, method, headers, body }: Request): Promise<Response> =>
  (await environment.worker.fetch(url, {
    method,
    headers: Object.fromEntries(headers),
    body: body === null ? null : await new Response(body).text(),
  })) as unknown as Response;

const clientOf = (token?: string) => apiClient(`${ORIGIN}/`, token, { fetch: workerFetch });

async function signedIn(username: string) {
  const { data } = await clientOf().POST('/sessions', {
    body: { username, password: PASSWORD, device_name: "Ada's phone" },
  });
  if (data === undefined) throw new Error('The sign-in was refused');
  expectTypeOf(data.token).toBeString();
  return { ...data, client: clientOf(data.token) };
}

test('every route through the typed client', async () => {
  const { username } = await addUser(environment.cloud);
  const { client, session, user } = await signedIn(username);
  expect(user.username).toBe(username);
  expect(session.device_name).toBe("Ada's phone");
  const other = await signedIn(username);

  const current = await client.GET('/sessions/current');
  expect(current.response.status).toBe(200);
  expect(current.data?.session.id).toBe(session.id);

  const { data: list } = await client.GET('/sessions');
  expect(list?.sessions.map((each) => each.id)).toEqual([other.session.id, session.id]);
  expectTypeOf(list!.sessions[0]!.last_seen_at).toBeString();

  const ended = await client.DELETE('/sessions/{id}', { params: { path: { id: other.session.id } } });
  expect(ended.data).toMatchObject({ revoked: 1, logouts: [{ session_id: other.session.id }] });
  const others = await client.DELETE('/sessions', { params: { query: { scope: 'others' } } });
  expect(others.data).toEqual({ revoked: 0, logouts: [] });

  const changed = await client.PUT('/password', {
    body: { current_password: PASSWORD, new_password: 'neun grüne Wale' },
  });
  expect((await client.GET('/sessions/current')).response.status).toBe(401);
  const renewed = clientOf(changed.data?.token);

  await environment.worker.delivered();
  const { data: past } = await renewed.GET('/logouts', { params: { query: { limit: 5 } } });
  expect(past?.logouts).toMatchObject([{ session_id: other.session.id, reason: 'revoked' }]);
  expect(past?.next_before).toBeNull();

  expect((await renewed.DELETE('/sessions/current')).data).toMatchObject({ revoked: 1 });
});

test('a refusal is a typed problem, not an exception', async () => {
  const { data, error, response } = await clientOf().POST('/sessions', {
    body: { username: 'nobody-here', password: 'x' },
  });
  expect(data).toBeUndefined();
  expect(response.status).toBe(401);
  expect(error).toMatchObject({ status: 401, code: 'bad_credentials' });
  expectTypeOf(error!).toEqualTypeOf<Problem>();
  expect(wordsFor(error!)).toBe('Incorrect username or password.');
});

test('an address that is not an origin is a TypeError at once', () => {
  expect(() => apiClient('login.example.org')).toThrow(/^origin must be an origin/);
  expect(() => apiClient('https://login.example.org/api/v1')).toThrow(/^origin must be an origin/);
});

test('the types ask for no more than the service, and name what it returns', () => {
  type SignInBody = components['schemas']['SignInBody'];
  expectTypeOf<{ username: string; password: string }>().toExtend<SignInBody>();
  expectTypeOf<{ username: string; password: string; remember_me: true }>().toExtend<SignInBody>();
  type LogoutsQuery = NonNullable<paths['/logouts']['get']['parameters']['query']>;
  expectTypeOf<LogoutsQuery['limit']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<'expired_idle' | 'abandoned'>().toExtend<components['schemas']['LogoutReason']>();
  expectTypeOf<'throttled' | 'overloaded'>().toExtend<Problem['code']>();
  expectTypeOf<components['schemas']['Session']['device_name']>().toEqualTypeOf<string | null>();
});
