import { AUTHZ_BUDGETS } from '../../tools/budgets.ts';
import { newSigningKey, toKeySet } from '../../tools/signing-keys.ts';
import { addUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { ORIGIN } from '../support/visitor.ts';
import { by, testBudgets } from './test-budgets.ts';

const environment = useTestEnvironment({
  PUBLIC_URL: ORIGIN,
  ASSERTION_KEYS: toKeySet([newSigningKey()]),
  ALLOWED_REDIRECT_HOSTS: 'app.example.org',
});

const HOUR_MS = 3_600_000;

type Headers = Record<string, string>;

const anonymous = (): Promise<Headers> => Promise.resolve({});

async function bearer(): Promise<Headers> {
  const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
    kind: 'bearer',
  });
  return { Authorization: `Bearer ${token}` };
}

async function endedBearer(): Promise<Headers> {
  const headers = await bearer();
  await environment.worker.fetch(`${ORIGIN}/api/v1/sessions/current`, { method: 'DELETE', headers });
  return headers;
}

const cookie = (ageMs: number) => async (): Promise<Headers> => {
  const user = await addUser(environment.cloud);
  const { token } = await seedSession(environment.cloud, user, { createdAtMs: Date.now() - ageMs });
  return { Cookie: `sessionid=${token}` };
};

const ask =
  (path: string, host = 'app.example.org') =>
  (headers: Headers) =>
    environment.worker.fetch(ORIGIN + path, {
      headers: {
        ...{ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': host, 'X-Forwarded-Uri': '/x?a=1' },
        ...{ 'X-Original-URL': `https://${host}/x?a=1`, ...headers },
      },
    });
const forwardAuth = ask('/api/authz/forward-auth');

testBudgets(environment, AUTHZ_BUDGETS, {
  '/api/authz/forward-auth, no credentials': by(anonymous, 401, forwardAuth),
  '/api/authz/forward-auth, bearer': by(bearer, 200, forwardAuth),
  '/api/authz/forward-auth, cookie': by(cookie(0), 200, forwardAuth),
  '/api/authz/forward-auth, stale cookie': by(cookie(HOUR_MS), 200, forwardAuth),
  '/api/authz/forward-auth, ended bearer': by(endedBearer, 401, forwardAuth),
  '/api/authz/forward-auth, another host': by(cookie(0), 403, ask('/api/authz/forward-auth', 'evil.example')),
  '/api/authz/auth-request, cookie': by(cookie(0), 200, ask('/api/authz/auth-request')),
  'GET /.well-known/jwks.json': by(anonymous, 200, ask('/.well-known/jwks.json')),
});
