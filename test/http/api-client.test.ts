import { expect, expectTypeOf, test } from 'vitest';
import { apiClient } from '../../src/client/api-client.ts';
import { addUser, PASSWORD } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';

const environment = useTestEnvironment();

/** The Worker instead of the network. Its `Response` type isn't the browser's. */
const workerFetch = ((input: string, init?: RequestInit) =>
  environment.worker.fetch(input, init as never)) as unknown as typeof fetch;

const clientOf = (token?: string) => apiClient(`${ORIGIN}/`, token, { fetch: workerFetch });

async function signedIn(username: string) {
  const response = await clientOf().sessions.$post({
    json: { username, password: PASSWORD, device_name: "Ada's phone" },
  });
  if (response.status !== 201) throw new Error('The sign-in was refused');
  const body = await response.json();
  expectTypeOf(body.token).toBeString();
  return { ...body, client: clientOf(body.token) };
}

test('every route through the typed client', async () => {
  const { username } = await addUser(environment.cloud);
  const { client, session, user } = await signedIn(username);
  expect(user.username).toBe(username);
  expect(session.device_name).toBe("Ada's phone");
  const other = await signedIn(username);

  const current = await client.sessions.current.$get();
  expect(current.status).toBe(200);
  expect((await current.json()).session.id).toBe(session.id);

  const { sessions } = await (await client.sessions.$get()).json();
  expect(sessions.map((each) => each.id)).toEqual([other.session.id, session.id]);
  expectTypeOf(sessions[0]!.last_seen_at).toBeString();

  const ended = await client.sessions[':id'].$delete({ param: { id: other.session.id } });
  expect(await ended.json()).toMatchObject({ revoked: 1, logouts: [{ session_id: other.session.id }] });
  const others = await client.sessions.$delete({ query: { scope: 'others' } });
  expect(await others.json()).toEqual({ revoked: 0, logouts: [] });

  const changed = await client.password.$put({
    json: { current_password: PASSWORD, new_password: 'neun grüne Wale' },
  });
  const { token = '' } = (await changed.json()) as { token?: string };
  expect((await client.sessions.current.$get()).status).toBe(401);
  const renewed = clientOf(token);

  await environment.worker.delivered();
  const { logouts, next_before: nextBefore } = await (
    await renewed.logouts.$get({ query: { limit: '5' } })
  ).json();
  expect(logouts).toMatchObject([{ session_id: other.session.id, reason: 'revoked' }]);
  expect(nextBefore).toBeNull();

  expect(await (await renewed.sessions.current.$delete()).json()).toMatchObject({ revoked: 1 });
});

test('a refusal is a response, not an exception', async () => {
  const response = await clientOf().sessions.$post({ json: { username: 'nobody-here', password: 'x' } });
  expect(response.status).toBe(401);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
});
