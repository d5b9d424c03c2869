import { hashToken, type Token } from '../../../src/session/token.ts';
import type { SoakClient } from './client.ts';
import { ALL_SESSIONS, type TrackedSession } from './ledger.ts';

/** Signs in through the API. */
export async function signInAsApp(client: SoakClient): Promise<void> {
  const { username, password } = client.user;
  mayEvict(client);
  const response = await client.send({
    method: 'POST',
    path: '/api/v1/sessions',
    json: { username, password },
    expected: [201],
  });
  if (response.status !== 201) return client.ledger.notStarted(client.user.id);
  const { token, session } = JSON.parse(response.body) as { token: string; session: { id: string } };
  client.track({ id: session.id, kind: 'bearer', token, csrfToken: '' });
}

/** Signs in through the form, in a browser that has this session or none. */
export async function signInInBrowser(client: SoakClient, previous: TrackedSession | null): Promise<void> {
  const { user, ledger } = client;
  mayEvict(client);
  if (previous !== null) client.mayEnd({ reason: 'replaced', target: previous.id });
  const csrfToken = previous?.csrfToken ?? (await readCsrfCookie(client));
  const response = await client.send({
    method: 'POST',
    path: '/sign-in/',
    headers: {
      'X-CSRFToken': csrfToken,
      Cookie: `csrftoken=${csrfToken}${previous === null ? '' : `; sessionid=${previous.token}`}`,
    },
    form: { username: user.username, password: user.password },
    expected: [303],
  });
  if (response.status !== 303) return ledger.notStarted(user.id);
  if (previous !== null) {
    ledger.ended(previous, response.receivedAtMs);
    ledger.count('sessions replaced');
  }
  const token = response.cookies.get('sessionid') ?? '';
  client.track({
    id: await readSessionId(client, token),
    kind: 'cookie',
    token,
    csrfToken: response.cookies.get('csrftoken') ?? '',
  });
}

/** Beyond the limit of sessions the oldest end. */
const mayEvict = (client: SoakClient): void => client.mayEnd({ reason: 'evicted', target: ALL_SESSIONS });

async function readCsrfCookie(client: SoakClient): Promise<string> {
  const page = await client.send({ method: 'GET', path: '/sign-in/', expected: [200] });
  return page.cookies.get('csrftoken') ?? '';
}

/** A page doesn't contain the id. It is read from the store, where both a record and a tombstone have it as second element. */
async function readSessionId({ cloud, ledger }: SoakClient, token: string): Promise<string> {
  const hash = hashToken(token as Token);
  const [open, ended] = await cloud.redis.mget(`session:${hash}`, `ended:${hash}`);
  const record = open ?? ended;
  const id = (JSON.parse(record ?? '[]') as unknown[])[1];
  if (typeof id === 'string') return id;
  ledger.violation('a sign-in was confirmed, and there is no record of its session');
  return crypto.randomUUID();
}
