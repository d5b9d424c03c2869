import { beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNT_NETWORK_LIMIT } from '../../src/auth/throttle.ts';
import { UNKNOWN_SESSION_ID } from '../fakes/samples.ts';
import { ApiCaller, type ApiAnswer, type ApiRequest } from '../support/api.ts';
import {
  describedApi,
  resolve,
  type ApiDescription,
  type ResponseDescription,
} from '../support/api-description.ts';
import { addUser, PASSWORD } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

// Every status that the document has, from the service itself; test/support/api.ts checks each response by the document.

const environment = useTestEnvironment();

const BODY_TOO_LARGE = 'x'.repeat(70_000);
/** Only a fault in the code causes it, and we know of none. */
const NOT_PROVOKED = '500';

interface Client {
  caller: ApiCaller;
  username: string;
  otherSessionId: string;
}

const anonymous = async (): Promise<Client> => ({
  caller: new ApiCaller(environment.worker.visitor()),
  username: (await addUser(environment.cloud)).username,
  otherSessionId: UNKNOWN_SESSION_ID,
});

async function signedIn(kind: 'app' | 'browser'): Promise<Client> {
  const user = await addUser(environment.cloud);
  const { session } = await seedSession(environment.cloud, user);
  const { token } = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const caller =
    kind === 'app'
      ? new ApiCaller(environment.worker.visitor(), token)
      : new ApiCaller((await seedVisitor(environment, user)).visitor);
  return { caller, username: user.username, otherSessionId: session.id };
}

type Send = (client: Client, changes?: ApiRequest) => Promise<ApiAnswer>;
const send =
  (method: string, path: string | ((client: Client) => string), json?: object): Send =>
  (client, changes = {}) =>
    client.caller.call(method, typeof path === 'string' ? path : path(client), {
      ...(json === undefined ? {} : { json }),
      ...changes,
    });

const signInAs =
  (password: string): Send =>
  (client, changes = {}) =>
    client.caller.call('POST', '/sessions', { json: { username: client.username, password }, ...changes });
const changePassword = (current_password: string): Send =>
  send('PUT', '/password', { current_password, new_password: 'a quiet otter counts stars' });

/** Each with what it needs to succeed. */
const OPERATIONS: Record<string, Send> = {
  signIn: signInAs(PASSWORD),
  listSessions: send('GET', '/sessions'),
  revokeSessions: send('DELETE', '/sessions?scope=others'),
  currentSession: send('GET', '/sessions/current'),
  signOut: send('DELETE', '/sessions/current'),
  revokeSession: send('DELETE', ({ otherSessionId }) => `/sessions/${otherSessionId}`),
  changePassword: changePassword(PASSWORD),
  listLogouts: send('GET', '/logouts'),
  openApi: send('GET', '/openapi.json'),
  docs: send('GET', '/docs'),
};

async function untilThrottled(client: Client, wrong: Send): Promise<ApiAnswer> {
  for (let i = 0; i < ACCOUNT_NETWORK_LIMIT.failures; i += 1) await wrong(client);
  return wrong(client);
}

/** A form without the boundary that its type needs. */
const MALFORMED_FORM = {
  headers: { 'Content-Type': 'multipart/form-data', 'X-CSRFToken': undefined },
  body: 'x',
};
const withoutCsrfToken: ApiRequest = { headers: { 'X-CSRFToken': undefined } };

/** Refusals that each operation has in its own way. */
const SPECIAL: Record<string, () => Promise<ApiAnswer>> = {
  'signIn 400': async () => send('POST', '/sessions', {})(await anonymous()),
  'signIn 401': async () => signInAs('wrong')(await anonymous()),
  'signIn 429': async () => untilThrottled(await anonymous(), signInAs('wrong')),
  'revokeSessions 400': async () => send('DELETE', '/sessions')(await signedIn('app')),
  'revokeSession 404': async () => send('DELETE', `/sessions/${UNKNOWN_SESSION_ID}`)(await signedIn('app')),
  'changePassword 400': async () => send('PUT', '/password', {})(await signedIn('app')),
  'changePassword 429': async () => untilThrottled(await signedIn('app'), changePassword('wrong')),
  'listLogouts 400': async () => send('GET', '/logouts?limit=101')(await signedIn('app')),
};

/** By status: what any operation that has it does. */
const GENERAL: Record<string, (operation: Send, path: string) => Promise<ApiAnswer>> = {
  200: async (operation) => operation(await signedIn('app')),
  201: async (operation) => operation(await anonymous()),
  400: async (operation) => operation(await signedIn('browser'), MALFORMED_FORM),
  401: async (operation) => operation(await anonymous()),
  403: async (operation) => operation(await signedIn('browser'), withoutCsrfToken),
  405: async (_, path) => send('PATCH', path)(await anonymous()),
  413: async (operation) =>
    operation(await signedIn('app'), {
      body: BODY_TOO_LARGE,
      headers: { 'Content-Type': 'application/json' },
    }),
  415: async (operation) => operation(await signedIn('app'), { headers: { 'Content-Type': 'text/plain' } }),
  503: async (operation) => {
    const client = await signedIn('app');
    environment.cloud.faults.set('redis', { kind: 'refuse' });
    return operation(client);
  },
};

let document: ApiDescription;
beforeAll(async () => {
  document = await describedApi(environment.worker.visitor());
});

test('the document has these operations', () => {
  const described = Object.values(document.paths).flatMap((operations) => Object.values(operations));
  expect(described.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(OPERATIONS).sort());
});

describe.each(Object.keys(OPERATIONS))('%s', (operationId) => {
  test('has every status that is described, as its example shows', async () => {
    const [path, operations] = Object.entries(document.paths).find(([, each]) =>
      Object.values(each).some((operation) => operation.operationId === operationId),
    )!;
    const { responses } = Object.values(operations).find((each) => each.operationId === operationId)!;
    for (const [status, described] of Object.entries(responses)) {
      if (status === NOT_PROVOKED) continue;
      const provoke =
        SPECIAL[`${operationId} ${status}`] ??
        (() => GENERAL[status]!(OPERATIONS[operationId]!, path.replace('{id}', UNKNOWN_SESSION_ID)));
      const answer = await provoke();
      environment.cloud.faults.clear();
      expect(answer.status, `${operationId} ${status}`).toBe(Number(status));
      if (answer.status >= 400) expectLikeExample(resolve<ResponseDescription>(document, described), answer);
    }
  });
});

/** Words that depend on the request: how long to wait, which field, which methods. */
const OWN_WORDS = ['throttled', 'invalid_fields', 'method_not_allowed'];

function expectLikeExample({ content }: ResponseDescription, { body }: ApiAnswer): void {
  const examples = content?.['application/problem+json']?.examples ?? {};
  const example = examples[body.code]?.value as Record<string, unknown> | undefined;
  expect(example, `${body.code} has no example`).toBeDefined();
  expect(Object.keys(example!).sort()).toEqual(Object.keys(body).sort());
  const { type, title, status, code, detail } = example!;
  expect(body).toMatchObject({ type, title, status, code });
  if (!OWN_WORDS.includes(body.code)) expect(body.detail).toBe(detail);
}
