import {
  logoutsQuery,
  LOGOUTS_LIMIT_DEFAULT,
  LOGOUTS_LIMIT_MAX,
  revokeQuery,
} from '../../src/api/request-schemas.ts';
import { EXAMPLES } from './examples.ts';
import { headers, problems, success, type ProblemName } from './responses.ts';
import { refTo, schemaOf, type BodyName } from './schemas.ts';

// The paths of the document. A new route of the API is a new entry here.

/** Either credential; with a cookie, a request that changes something needs the CSRF token as well. */
const SIGNED_IN = [{ bearer: [] }, { cookie: [] }];
const SIGNED_IN_TO_CHANGE = [{ bearer: [] }, { cookie: [], csrf: [] }];

const READ: ProblemName[] = ['NotSignedIn', 'MethodNotAllowed', 'InternalError', 'Unavailable'];
const SIGN_OUT: ProblemName[] = [
  'NotSignedIn',
  'Forbidden',
  'MethodNotAllowed',
  'BodyTooLarge',
  'InternalError',
  'SignOutUnconfirmed',
];
const STATIC: ProblemName[] = ['MethodNotAllowed', 'InternalError'];

const body = (name: BodyName, example: unknown) => ({
  required: true,
  content: { 'application/json': { schema: refTo(name), example } },
});

const SESSIONS = {
  post: {
    operationId: 'signIn',
    tags: ['Sessions'],
    summary: 'Sign in',
    description:
      'Starts a session and returns its bearer token. Keep the token where the device keeps secrets. Sets no cookie, and ignores those that come.',
    security: [],
    requestBody: body('SignInBody', EXAMPLES.signInRequest),
    responses: {
      201: success('Signed in', 'SignIn', EXAMPLES.signIn),
      ...problems(
        'InvalidBody',
        'BadCredentials',
        'MethodNotAllowed',
        'BodyTooLarge',
        'UnsupportedMediaType',
        'Throttled',
        'InternalError',
        'Busy',
      ),
    },
  },
  get: {
    operationId: 'listSessions',
    tags: ['Sessions'],
    summary: 'List sessions',
    description: 'All open sessions of this user, newest first.',
    security: SIGNED_IN,
    responses: { 200: success('The sessions', 'Sessions', EXAMPLES.sessions), ...problems(...READ) },
  },
  delete: {
    operationId: 'revokeSessions',
    tags: ['Sessions'],
    summary: 'Sign out everywhere else, or everywhere',
    description: 'For a device that was lost, or a password that others may know.',
    security: SIGNED_IN_TO_CHANGE,
    parameters: [
      {
        name: 'scope',
        in: 'query',
        required: true,
        description: '`others`: all sessions but this one; `all`: this one too',
        schema: schemaOf(revokeQuery.shape.scope),
        example: 'others',
      },
    ],
    responses: {
      200: success('The sessions that ended', 'Receipt', EXAMPLES.receipt('logout_others'), 'Set-Cookie'),
      ...problems('InvalidScope', ...SIGN_OUT),
    },
  },
};

const CURRENT = {
  get: {
    operationId: 'currentSession',
    tags: ['Sessions'],
    summary: 'Who is signed in?',
    description: 'This session and its user.',
    security: SIGNED_IN,
    responses: {
      200: success('Signed in', 'Current', EXAMPLES.current, 'Set-Cookie', 'X-CSRFToken'),
      ...problems(...READ),
    },
  },
  delete: {
    operationId: 'signOut',
    tags: ['Sessions'],
    summary: 'Sign out',
    description:
      'Ends this session. A token that has ended already, or never existed, is no error: `revoked` is 0. After a 503, keep the token and retry.',
    security: SIGNED_IN_TO_CHANGE,
    responses: {
      200: success('Signed out', 'Receipt', EXAMPLES.receipt('logout'), 'Set-Cookie'),
      ...problems('MalformedBody', ...SIGN_OUT),
    },
  },
};

const ONE_SESSION = {
  delete: {
    operationId: 'revokeSession',
    tags: ['Sessions'],
    summary: 'Sign out one session',
    description: 'Ends the session of one device. If it is this one, it is a sign-out.',
    security: SIGNED_IN_TO_CHANGE,
    parameters: [
      {
        name: 'id',
        in: 'path',
        required: true,
        description: 'The `id` of a session of this user',
        schema: { type: 'string' },
        example: EXAMPLES.signIn.session.id,
      },
    ],
    responses: {
      200: success('The session that ended', 'Receipt', EXAMPLES.receipt('revoked'), 'Set-Cookie'),
      ...problems('MalformedBody', 'NotFound', ...SIGN_OUT),
    },
  },
};

const PASSWORD = {
  put: {
    operationId: 'changePassword',
    tags: ['Password'],
    summary: 'Change the password',
    description:
      'Ends all other sessions and renews this one: a bearer gets a new token, and the old one is no longer valid. If a 503 leaves it open whether the password changed, `detail` says so.',
    security: SIGNED_IN_TO_CHANGE,
    requestBody: body('PasswordBody', EXAMPLES.passwordRequest),
    responses: {
      200: success('Changed', 'PasswordReceipt', EXAMPLES.password, 'Set-Cookie'),
      ...problems(
        'InvalidBody',
        'PasswordNotChanged',
        'Forbidden',
        'MethodNotAllowed',
        'BodyTooLarge',
        'UnsupportedMediaType',
        'Throttled',
        'InternalError',
        'Busy',
      ),
    },
  },
};

const LOGOUTS = {
  get: {
    operationId: 'listLogouts',
    tags: ['Sign-outs'],
    summary: 'List past sign-outs',
    description:
      "This user's ended sessions, newest first, a page at a time. A new one may appear a moment after the response that confirmed it.",
    security: SIGNED_IN,
    parameters: [
      {
        name: 'limit',
        in: 'query',
        description: 'How many a page has at most',
        schema: {
          type: 'integer',
          format: 'int32',
          minimum: 1,
          maximum: LOGOUTS_LIMIT_MAX,
          default: LOGOUTS_LIMIT_DEFAULT,
        },
      },
      {
        name: 'before',
        in: 'query',
        description: '`next_before` of the previous page; absent for the first',
        schema: schemaOf(logoutsQuery.shape.before),
      },
    ],
    responses: {
      200: success('A page of sign-outs', 'Logouts', EXAMPLES.logouts),
      ...problems('InvalidQuery', ...READ),
    },
  },
};

const description = (operationId: string, summary: string, type: string, schema: object) => ({
  get: {
    operationId,
    tags: ['Description'],
    summary,
    description: 'Public.',
    security: [],
    responses: {
      200: { description: summary, headers: headers(), content: { [type]: { schema } } },
      ...problems(...STATIC),
    },
  },
});

export const PATHS = {
  '/sessions': SESSIONS,
  '/sessions/current': CURRENT,
  '/sessions/{id}': ONE_SESSION,
  '/password': PASSWORD,
  '/logouts': LOGOUTS,
  '/openapi.json': description('openApi', 'This description as OpenAPI 3.1', 'application/json', {
    type: 'object',
  }),
  '/docs': description('docs', 'This description as a page', 'text/html', { type: 'string' }),
};
