import type { Answer } from '../support/visitor.ts';
import type { Setup } from './prepare-request.ts';

/** What a request must result in. */
export type Expectation =
  /** This status, and a body that contains this text. */
  | { readonly status: number; readonly text?: string }
  /** 503, with nothing changed as far as the client is concerned. */
  | 'unavailable'
  /** 503 that says that a session may still be open. */
  | 'unconfirmed';

/** One row of the table. */
export interface RequestRow {
  readonly name: string;
  /** Who sends it: without an account, at the sign-in form, or signed in with another session beside. */
  readonly from: 'anonymous' | 'form' | 'browser' | 'app';
  /** Without a fault. */
  readonly works: Expectation;
  readonly withoutRedis: Expectation;
  readonly withoutMysql: Expectation;
  /** Statuses that a retry may get if the first request was carried out without a response. */
  readonly alreadyDone?: readonly number[];
  /** Reasons with which sessions have ended once the request succeeded. */
  readonly ends?: { readonly own?: string; readonly others?: string };
  /** A new session is open once the request succeeded. */
  readonly starts?: true;
  send(setup: Setup): Promise<Answer>;
}

const PASSWORD_CHANGE = {
  current_password: 'correct horse battery staple',
  new_password: 'a wholly different phrase',
};
const signIn = (username: string) => ({ username, password: PASSWORD_CHANGE.current_password });

const OK = { status: 200 } as const;
const SEE_OTHER = { status: 303 } as const;
const FORBIDDEN = { works: { status: 403 }, withoutMysql: { status: 403 } } as const;

type Send = RequestRow['send'];
const get =
  (path: string): Send =>
  ({ visitor }) =>
    visitor.get(path);
const post =
  (path: string, fields: (setup: Setup) => Record<string, string> = () => ({})): Send =>
  async (setup) =>
    setup.visitor.post(path, fields(setup), { 'X-CSRFToken': await setup.visitor.cookie('csrftoken') });
const api =
  (method: string, path: string | ((setup: Setup) => string), json?: unknown): Send =>
  (setup) =>
    setup.visitor.request(`/api/v1${typeof path === 'string' ? path : path(setup)}`, {
      method,
      headers: {
        Accept: '*/*',
        Authorization: `Bearer ${setup.token}`,
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });

/** Reads a session: needs Redis alone. */
const read = (name: string, from: RequestRow['from'], send: Send): RequestRow => ({
  name,
  from,
  works: OK,
  withoutRedis: 'unavailable',
  withoutMysql: OK,
  send,
});

/** Ends sessions: Redis alone must confirm it. */
const signOut = (
  name: string,
  from: 'browser' | 'app',
  send: Send,
  rest: Partial<RequestRow> = {},
): RequestRow => {
  const works = from === 'browser' ? SEE_OTHER : OK;
  return { name, from, works, withoutRedis: 'unconfirmed', withoutMysql: works, send, ...rest };
};

/** Needs both stores. */
const needsBoth = (
  name: string,
  from: RequestRow['from'],
  works: Expectation,
  send: Send,
  rest: Partial<RequestRow> = {},
): RequestRow => ({
  name,
  from,
  works,
  withoutRedis: 'unavailable',
  withoutMysql: 'unavailable',
  send,
  ...rest,
});

/** Needs no store. */
const needsNone = (name: string, from: RequestRow['from'], path: string, rest: Partial<RequestRow> = {}) => ({
  ...read(name, from, get(path)),
  withoutRedis: OK,
  ...rest,
});

const otherOf = ({ others }: Setup): string => others[0] ?? '';

export const REQUESTS: readonly RequestRow[] = [
  needsNone('GET /, anonymous', 'anonymous', '/'),
  needsNone('GET /', 'browser', '/', {
    withoutRedis: { status: 200, text: 'check your session right now' },
  }),
  needsNone('GET /healthz', 'anonymous', '/healthz'),
  needsNone('GET /sign-in/', 'anonymous', '/sign-in/'),
  needsNone('GET /sign-in/, signed in', 'browser', '/sign-in/', {
    works: { status: 302 },
    withoutMysql: { status: 302 },
  }),

  needsBoth(
    'POST /sign-in/',
    'form',
    SEE_OTHER,
    ({ visitor, page, username }) => visitor.submit(page!, signIn(username)),
    { starts: true },
  ),
  needsBoth(
    'POST /sign-in/, signed in',
    'browser',
    SEE_OTHER,
    post('/sign-in/', ({ username }) => signIn(username)),
    { starts: true, ends: { own: 'replaced' } },
  ),
  read('GET /home/', 'browser', get('/home/')),
  read('GET /logout/', 'browser', get('/logout/')),
  read('GET /sessions/', 'browser', get('/sessions/')),
  read('GET /account/password/', 'browser', get('/account/password/')),
  signOut('POST /logout/', 'browser', post('/logout/'), { ends: { own: 'logout' } }),
  signOut('POST /logout/ without a token', 'browser', ({ visitor }) => visitor.post('/logout/'), FORBIDDEN),
  signOut(
    'POST /sessions/revoke/ one',
    'browser',
    post('/sessions/revoke/', (setup) => ({ id: otherOf(setup) })),
    { ends: { others: 'revoked' } },
  ),
  signOut(
    'POST /sessions/revoke/ others',
    'browser',
    post('/sessions/revoke/', () => ({ scope: 'others' })),
    { ends: { others: 'logout_others' } },
  ),
  signOut(
    'POST /sessions/revoke/ all',
    'browser',
    post('/sessions/revoke/', () => ({ scope: 'all' })),
    { ends: { own: 'logout_all', others: 'logout_all' } },
  ),
  signOut(
    'POST /sessions/revoke/ without a token',
    'browser',
    ({ visitor }) => visitor.post('/sessions/revoke/', { scope: 'all' }),
    FORBIDDEN,
  ),
  needsBoth(
    'POST /account/password/',
    'browser',
    SEE_OTHER,
    post('/account/password/', () => ({
      ...PASSWORD_CHANGE,
      confirm_password: PASSWORD_CHANGE.new_password,
    })),
    { ends: { others: 'password_changed' } },
  ),

  needsBoth(
    'POST /api/v1/sessions',
    'form',
    { status: 201 },
    ({ visitor, username }) =>
      visitor.request('/api/v1/sessions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(signIn(username)),
      }),
    { starts: true },
  ),
  read('GET /api/v1/sessions/current', 'app', api('GET', '/sessions/current')),
  read('GET /api/v1/sessions/current, by cookie', 'browser', get('/api/v1/sessions/current')),
  read('GET /api/v1/sessions', 'app', api('GET', '/sessions')),
  needsBoth('GET /api/v1/logouts', 'app', OK, api('GET', '/logouts')),
  signOut('DELETE /api/v1/sessions/current', 'app', api('DELETE', '/sessions/current'), {
    ends: { own: 'logout' },
  }),
  signOut(
    'DELETE /api/v1/sessions/{id}',
    'app',
    api('DELETE', (setup) => `/sessions/${otherOf(setup)}`),
    { ends: { others: 'revoked' }, alreadyDone: [404] },
  ),
  signOut('DELETE /api/v1/sessions?scope=others', 'app', api('DELETE', '/sessions?scope=others'), {
    ends: { others: 'logout_others' },
  }),
  signOut('DELETE /api/v1/sessions?scope=all', 'app', api('DELETE', '/sessions?scope=all'), {
    ends: { own: 'logout_all', others: 'logout_all' },
    alreadyDone: [401],
  }),
  needsBoth('PUT /api/v1/password', 'app', OK, api('PUT', '/password', PASSWORD_CHANGE), {
    ends: { others: 'password_changed' },
  }),
];

/** Costs a bcrypt or two if it gets that far: with several at once the test would measure this machine, not the service. */
export const hasBcrypt = ({ name, starts }: RequestRow): boolean =>
  starts === true || /^P\w+ .*password/.test(name);
