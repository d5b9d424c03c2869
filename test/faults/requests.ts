import type { Answer } from '../support/visitor.ts';
import type { OpenedScene } from './scene.ts';

/** What a request comes to. */
export type Verdict =
  /** With this status, as on any other day. */
  | { readonly status: number; readonly says?: string }
  /** 503, nothing changed as far as the caller is concerned. */
  | 'unavailable'
  /** 503 that says that a session may still be open. */
  | 'unconfirmed';

/** One row of the table. */
export interface RequestRow {
  readonly name: string;
  readonly asks: 'nobody' | 'somebody' | 'browser' | 'app';
  /** On any other day. */
  readonly works: Verdict;
  readonly withoutRedis: Verdict;
  readonly withoutMysql: Verdict;
  /** Statuses that a repetition may get where the first request was carried out without an answer. */
  readonly doneAlready?: readonly number[];
  /** Reasons with which sessions have ended once the request was answered well. */
  readonly ends?: { readonly own?: string; readonly others?: string };
  /** A new session is open once the request was answered well. */
  readonly begins?: true;
  send(scene: OpenedScene): Promise<Answer>;
}

const PASSWORD_CHANGE = {
  current_password: 'correct horse battery staple',
  new_password: 'a wholly different phrase',
};
const signIn = (username: string) => ({ username, password: PASSWORD_CHANGE.current_password });

const OK = { status: 200 } as const;
const SEEN = { status: 303 } as const;

type Ask = RequestRow['send'];
const get =
  (path: string): Ask =>
  ({ visitor }) =>
    visitor.get(path);
const post =
  (path: string, fields: (others: readonly string[]) => Record<string, string> = () => ({})): Ask =>
  async ({ visitor, others }) =>
    visitor.post(path, fields(others), { 'X-CSRFToken': await visitor.cookie('csrftoken') });
const api =
  (method: string, path: (others: readonly string[]) => string, json?: unknown): Ask =>
  ({ visitor, token, others }) =>
    visitor.request(`/api/v1${path(others)}`, {
      method,
      headers: {
        Accept: '*/*',
        Authorization: `Bearer ${token}`,
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });

/** Reads of a session: they need Redis alone. */
const read = (name: string, asks: RequestRow['asks'], send: Ask): RequestRow => ({
  name,
  asks,
  works: OK,
  withoutRedis: 'unavailable',
  withoutMysql: OK,
  send,
});

/** What ends sessions: Redis alone must confirm it. */
const operation = (
  name: string,
  asks: 'browser' | 'app',
  send: Ask,
  rest: Pick<RequestRow, 'ends' | 'doneAlready'>,
): RequestRow => {
  const works = asks === 'browser' ? SEEN : OK;
  return { name, asks, works, withoutRedis: 'unconfirmed', withoutMysql: works, send, ...rest };
};

/** What needs both stores. */
const both = (
  name: string,
  asks: RequestRow['asks'],
  works: Verdict,
  send: Ask,
  rest: Partial<RequestRow> = {},
): RequestRow => ({
  name,
  asks,
  works,
  withoutRedis: 'unavailable',
  withoutMysql: 'unavailable',
  send,
  ...rest,
});

/** What needs no store, whatever becomes of them. */
const free = (name: string, asks: RequestRow['asks'], path: string, rest: Partial<RequestRow> = {}) => ({
  ...read(name, asks, get(path)),
  withoutRedis: OK,
  ...rest,
});

const firstOf = (ids: readonly string[]): string => ids[0] ?? '';

export const REQUESTS: readonly RequestRow[] = [
  free('GET / of a stranger', 'nobody', '/'),
  free('GET /', 'browser', '/', {
    withoutRedis: { status: 200, says: 'check your session right now' },
  }),
  free('GET /healthz', 'nobody', '/healthz'),
  free('GET /sign-in/', 'nobody', '/sign-in/'),
  free('GET /sign-in/, signed in', 'browser', '/sign-in/', {
    works: { status: 302 },
    withoutMysql: { status: 302 },
  }),
  both('GET /readyz', 'nobody', OK, get('/readyz')),

  both(
    'POST /sign-in/',
    'somebody',
    SEEN,
    ({ visitor, page, username }) => visitor.submit(page!, signIn(username)),
    {
      begins: true,
    },
  ),
  both(
    'POST /sign-in/, signed in',
    'browser',
    SEEN,
    async ({ visitor, username }) =>
      visitor.post('/sign-in/', signIn(username), { 'X-CSRFToken': await visitor.cookie('csrftoken') }),
    { begins: true, ends: { own: 'replaced' } },
  ),
  read('GET /home/', 'browser', get('/home/')),
  read('GET /logout/', 'browser', get('/logout/')),
  read('GET /sessions/', 'browser', get('/sessions/')),
  read('GET /account/password/', 'browser', get('/account/password/')),
  operation('POST /logout/', 'browser', post('/logout/'), { ends: { own: 'logout' } }),
  {
    ...operation('POST /logout/ without a token', 'browser', ({ visitor }) => visitor.post('/logout/'), {}),
    works: { status: 403 },
    withoutMysql: { status: 403 },
  },
  operation(
    'POST /sessions/revoke/ one',
    'browser',
    post('/sessions/revoke/', (others) => ({ id: firstOf(others) })),
    { ends: { others: 'revoked' }, doneAlready: [404] },
  ),
  operation(
    'POST /sessions/revoke/ others',
    'browser',
    post('/sessions/revoke/', () => ({ scope: 'others' })),
    { ends: { others: 'logout_others' } },
  ),
  operation(
    'POST /sessions/revoke/ all',
    'browser',
    post('/sessions/revoke/', () => ({ scope: 'all' })),
    { ends: { own: 'logout_all', others: 'logout_all' } },
  ),
  {
    ...operation(
      'POST /sessions/revoke/ without a token',
      'browser',
      ({ visitor }) => visitor.post('/sessions/revoke/', { scope: 'all' }),
      {},
    ),
    works: { status: 403 },
    withoutMysql: { status: 403 },
  },
  both(
    'POST /account/password/',
    'browser',
    SEEN,
    post('/account/password/', () => ({
      ...PASSWORD_CHANGE,
      confirm_password: PASSWORD_CHANGE.new_password,
    })),
    { ends: { others: 'password_changed' } },
  ),

  both(
    'POST /api/v1/sessions',
    'somebody',
    { status: 201 },
    ({ visitor, username }) =>
      visitor.request('/api/v1/sessions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(signIn(username)),
      }),
    { begins: true },
  ),
  read(
    'GET /api/v1/sessions/current',
    'app',
    api('GET', () => '/sessions/current'),
  ),
  read('GET /api/v1/sessions/current, by cookie', 'browser', get('/api/v1/sessions/current')),
  read(
    'GET /api/v1/sessions',
    'app',
    api('GET', () => '/sessions'),
  ),
  both(
    'GET /api/v1/logouts',
    'app',
    OK,
    api('GET', () => '/logouts'),
  ),
  operation(
    'DELETE /api/v1/sessions/current',
    'app',
    api('DELETE', () => '/sessions/current'),
    {
      ends: { own: 'logout' },
    },
  ),
  operation(
    'DELETE /api/v1/sessions/{id}',
    'app',
    api('DELETE', (others) => `/sessions/${firstOf(others)}`),
    {
      ends: { others: 'revoked' },
      doneAlready: [404],
    },
  ),
  operation(
    'DELETE /api/v1/sessions?scope=others',
    'app',
    api('DELETE', () => '/sessions?scope=others'),
    {
      ends: { others: 'logout_others' },
    },
  ),
  operation(
    'DELETE /api/v1/sessions?scope=all',
    'app',
    api('DELETE', () => '/sessions?scope=all'),
    {
      ends: { own: 'logout_all', others: 'logout_all' },
      doneAlready: [401],
    },
  ),
  both(
    'PUT /api/v1/password',
    'app',
    OK,
    api('PUT', () => '/password', PASSWORD_CHANGE),
    {
      ends: { others: 'password_changed' },
    },
  ),
];

/** Costs a bcrypt or two, where it gets that far: several of these at once are about this machine and not the service. */
export const hasBcrypt = ({ name, begins }: RequestRow): boolean =>
  begins === true || /^P\w+ .*password/.test(name);
