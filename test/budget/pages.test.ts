import type { Service } from '../../src/http/context.ts';
import { CHECK } from '../../src/session/scripts.ts';
import { beforeAll, expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import { stylesheetPath } from '../../src/pages/stylesheet.ts';
import { parseSettings } from '../../src/settings.ts';
import { hashPassword } from '../../src/auth/password.ts';
import { API_BUDGETS, ONE_REDIS_COMMAND, PAGE_BUDGETS } from '../../tools/budgets.ts';
import { UNKNOWN_SESSION_ID } from '../fakes/samples.ts';
import { eventually, PASSWORD } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { storeCost } from '../support/store-cost.ts';
import type { Answer, Visitor } from '../support/visitor.ts';
import { pageClients, type Client } from './page-clients.ts';
import { by, testBudgets } from './test-budgets.ts';

const environment = useTestEnvironment();

const STYLESHEET_PATH = stylesheetPath('#2453c9');
const ANOTHER_PASSWORD = 'a wholly different phrase';

const {
  anonymous,
  malformed,
  signedIn,
  signedInAlone,
  stale,
  signedOut,
  duplicateCookies,
  atForm,
  throttled,
  atFormSignedIn,
  atFormWithFiftySessions,
} = pageClients(environment);

const get =
  (path: string) =>
  ({ visitor }: { visitor: Visitor }): Promise<Answer> =>
    visitor.get(path);

const post =
  (path: string, fields: Record<string, string> = {}) =>
  async ({ visitor }: { visitor: Visitor }): Promise<Answer> =>
    visitor.post(path, fields, { 'X-CSRFToken': await visitor.cookie('csrftoken') });

const withoutToken =
  (path: string, fields: Record<string, string> = {}) =>
  ({ visitor }: { visitor: Visitor }): Promise<Answer> =>
    visitor.post(path, fields);

const signIn =
  (password: string) =>
  ({ visitor, user: { username } }: Client): Promise<Answer> =>
    post('/sign-in/', { username, password })({ visitor });

const changePassword = (from: string, to: string) =>
  post('/account/password/', { current_password: from, new_password: to });

const REVOKE = '/sessions/revoke/';

beforeAll(async () => {
  // The first request imports keys and compiles code.
  const { visitor, user } = await atForm()();
  await signIn(PASSWORD)({ visitor, user });
  await visitor.logOut();
});

testBudgets(environment, PAGE_BUDGETS, {
  'GET /, no cookie': by(anonymous, 200, get('/')),
  'GET /, malformed cookie': by(malformed, 200, get('/')),
  'GET /, signed in': by(signedIn, 200, get('/')),
  'GET /, stale': by(stale, 200, get('/')),

  'GET /sign-in/, no cookie': by(anonymous, 200, get('/sign-in/')),
  'GET /sign-in/, signed in': by(signedIn, 302, get('/sign-in/')),
  'GET /sign-in/, signed out': by(signedOut, 200, get('/sign-in/')),
  'POST /sign-in/, right': by(atForm(), 303, signIn(PASSWORD)),
  'POST /sign-in/, an old session replaced': by(atFormSignedIn, 303, signIn(PASSWORD)),
  'POST /sign-in/, the oldest of 50 evicted': by(atFormWithFiftySessions, 303, signIn(PASSWORD)),
  'POST /sign-in/, an old hash rewritten': async () => {
    const passwordHash = await hashPassword(PASSWORD, 4);
    const { visitor, user } = await atForm({ passwordHash })();
    const hashes = () => environment.cloud.query('SELECT password_hash FROM users WHERE id = ?', [user.id]);
    return {
      send: () => signIn(PASSWORD)({ visitor, user }),
      expected: { status: 303 },
      backgroundDone: () =>
        eventually(async () => expect(await hashes()).not.toEqual([{ password_hash: passwordHash }])),
    };
  },
  'POST /sign-in/, wrong password': by(atForm(), 401, signIn('wrong')),
  'POST /sign-in/, unknown name': by(atForm(), 401, post('/sign-in/', { username: 'x', password: 'wrong' })),
  'POST /sign-in/, inactive user': by(atForm({ isActive: false }), 401, signIn(PASSWORD)),
  'POST /sign-in/, throttled for the first time': by(throttled(atForm(), 0), 429, signIn(PASSWORD)),
  'POST /sign-in/, throttled again': by(throttled(atForm(), 1), 429, signIn(PASSWORD)),
  'POST /sign-in/, no token': by(atForm(), 403, withoutToken('/sign-in/', { username: 'x', password: 'x' })),
  'POST /sign-in/, no password': by(atForm(), 400, signIn('')),

  'GET /home/, no cookie': by(anonymous, 302, get('/home/')),
  'GET /home/, malformed cookie': by(malformed, 302, get('/home/')),
  'GET /home/, signed in': by(signedIn, 200, get('/home/')),
  'GET /home/, stale': by(stale, 200, get('/home/')),
  'GET /home/, signed out': by(signedOut, 302, get('/home/')),

  'GET /logout/, no cookie': by(anonymous, 302, get('/logout/')),
  'GET /logout/, signed in': by(signedIn, 200, get('/logout/')),
  'POST /logout/, no cookie': by(anonymous, 303, post('/logout/')),
  'POST /logout/, malformed cookie': by(malformed, 303, post('/logout/')),
  'POST /logout/, signed in': by(signedIn, 303, post('/logout/')),
  'POST /logout/, duplicate cookies': by(duplicateCookies, 303, ({ visitor, headers }) =>
    visitor.post('/logout/', {}, headers),
  ),
  'POST /logout/, already signed out': by(signedOut, 303, post('/logout/')),
  'POST /logout/, already signed out, no token': by(signedOut, 303, withoutToken('/logout/')),
  'POST /logout/, signed in, no token': by(signedIn, 403, withoutToken('/logout/')),

  'GET /sessions/, no cookie': by(anonymous, 302, get('/sessions/')),
  'GET /sessions/, signed in': by(signedIn, 200, get('/sessions/')),
  'GET /sessions/, stale': by(stale, 200, get('/sessions/')),
  'GET /sessions/, no CSRF cookie': by(signedIn, 200, ({ visitor, token }) =>
    visitor.get('/sessions/', { Cookie: `sessionid=${token}` }),
  ),
  'POST /sessions/revoke/, no cookie': by(anonymous, 303, post(REVOKE, { scope: 'all' })),
  'POST /sessions/revoke/, another': by(signedIn, 303, (client) =>
    post(REVOKE, { id: client.other.session.id })(client),
  ),
  'POST /sessions/revoke/, own': by(signedIn, 303, (client) =>
    post(REVOKE, { id: client.session.id })(client),
  ),
  'POST /sessions/revoke/, own, duplicate cookies': by(
    duplicateCookies,
    303,
    ({ visitor, headers, session }) => visitor.post(REVOKE, { id: session.id }, headers),
  ),
  'POST /sessions/revoke/, others': by(signedIn, 303, post(REVOKE, { scope: 'others' })),
  'POST /sessions/revoke/, all': by(signedIn, 303, post(REVOKE, { scope: 'all' })),
  'POST /sessions/revoke/, unknown id': by(signedIn, 303, post(REVOKE, { id: UNKNOWN_SESSION_ID })),
  'POST /sessions/revoke/, no field': by(signedIn, 400, post(REVOKE)),
  'POST /sessions/revoke/, no token': by(signedIn, 403, withoutToken(REVOKE, { scope: 'all' })),

  'GET /account/password/, no cookie': by(anonymous, 302, get('/account/password/')),
  'GET /account/password/, signed in': by(signedIn, 200, get('/account/password/')),
  'POST /account/password/, no cookie': by(anonymous, 302, changePassword(PASSWORD, ANOTHER_PASSWORD)),
  'POST /account/password/, right': by(signedIn, 303, changePassword(PASSWORD, ANOTHER_PASSWORD)),
  'POST /account/password/, right, no other session': by(
    signedInAlone,
    303,
    changePassword(PASSWORD, ANOTHER_PASSWORD),
  ),
  'POST /account/password/, wrong': by(signedIn, 401, changePassword('wrong', ANOTHER_PASSWORD)),
  'POST /account/password/, against the rules': by(signedIn, 400, changePassword(PASSWORD, 'short')),
  'POST /account/password/, throttled again': by(
    throttled(signedIn, 1),
    429,
    changePassword(PASSWORD, ANOTHER_PASSWORD),
  ),

  'GET /accounts/login/, signed in': by(signedIn, 302, get('/accounts/login/')),
  'POST /accounts/login/, signed in': by(signedIn, 307, post('/accounts/login/')),
  'GET /accounts/logout/, signed in': by(signedIn, 302, get('/accounts/logout/')),
  'POST /accounts/logout/, signed in': by(signedIn, 307, post('/accounts/logout/')),
  'GET /accounts/password_change/, signed in': by(signedIn, 302, get('/accounts/password_change/')),
  'POST /accounts/password_change/, signed in': by(signedIn, 307, post('/accounts/password_change/')),
  'GET /.well-known/change-password, signed in': by(signedIn, 302, get('/.well-known/change-password')),
  'POST /.well-known/change-password, signed in': by(signedIn, 307, post('/.well-known/change-password')),
  'GET /api/v1/docs, signed in': by(signedIn, 200, get('/api/v1/docs')),
  'GET /healthz, signed in': by(signedIn, 200, get('/healthz')),
  'GET /readyz, signed in': by(signedIn, 200, get('/readyz')),
  'GET /assets/icon.svg, signed in': by(signedIn, 200, get('/assets/icon.svg')),
  'GET /assets/:stylesheet, signed in': by(signedIn, 200, get(STYLESHEET_PATH)),
  '404, signed in': by(signedIn, 404, get('/nowhere/')),
  '405, signed in': by(signedIn, 405, post('/home/')),
  'a slash missing, signed in': by(signedIn, 308, get('/home')),
  'plain http, signed in': async () => {
    const { token } = await signedIn();
    const visitor = environment.worker.visitor({ origin: 'http://login.example.org' });
    const headers = { Cookie: `sessionid=${token}` };
    return { send: () => visitor.get('/home/', headers), expected: { status: 308 } };
  },
});

test.each(['/', '/home/', '/logout/', '/sign-in/', '/api/v1/sessions/current'])(
  '%s: a session check is one script that reads the record and its tombstone',
  async (path) => {
    const { visitor, tokenHash } = await signedIn();
    const { cost, calls } = await storeCost(environment, () => visitor.get(path));
    expect(cost.before).toEqual(ONE_REDIS_COMMAND);
    const keys = [`session:${tokenHash}`, `ended:${tokenHash}`];
    expect(calls).toMatchObject([{ store: 'redis', commands: [['eval', CHECK, '2', ...keys]] }]);
  },
);

test('each route of the service has a row', () => {
  const bindings = {
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
    UPSTASH_REDIS_REST_TOKEN: 'x',
    DATABASE_URL: 'http://u:p@127.0.0.1:1/d',
    SECRET_KEY: 'x'.repeat(32),
  };
  const result = parseSettings(bindings);
  if (!result.ok) throw new Error(result.malformed.join());
  // None of it is used to register routes.
  const { routes } = createApp({ settings: result.settings } as Service);
  const names = [...Object.keys(PAGE_BUDGETS), ...Object.keys(API_BUDGETS)].map(
    (name) => name.split(', ')[0],
  );
  // Middleware is registered for every path.
  for (const { method, path } of routes.filter((route) => !route.path.endsWith('*'))) {
    const name = `${method} ${path === STYLESHEET_PATH ? '/assets/:stylesheet' : path}`;
    expect(names, name).toContain(name);
  }
});
