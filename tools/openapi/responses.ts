import type { Reason } from '../../src/errors.ts';
import { problemOf } from '../../src/http/problems.ts';
import type { ProblemCode } from '../../src/http/response-schemas.ts';
import { refTo, type JsonSchema, type ResponseName } from './schemas.ts';

const REQUEST_ID = 'add78f6d-d0f0-48d8-a2d4-294fe739298a';

const text = { type: 'string' };
const always = (description: string, schema: JsonSchema) => ({ description, required: true, schema });
const sometimes = (description: string, schema: JsonSchema = text) => ({ description, schema });

/** Headers by name: those that a response always has, and those that it has if their description says so. */
export const HEADERS = {
  'X-Request-Id': always('Names this request in the log', { type: 'string', format: 'uuid' }),
  'Cache-Control': always('`no-store` unless the response is the same for everyone', text),
  'Retry-After': always('Seconds to wait before you retry', { type: 'integer', format: 'int32', minimum: 1 }),
  'WWW-Authenticate': always(
    'RFC 6750: `Bearer` with `realm`, and with `error="invalid_token"` if a bearer token was sent that is unknown, expired or ended',
    { type: 'string', examples: ['Bearer realm="Cloud Hoskie", error="invalid_token"'] },
  ),
  Allow: always('The methods that this address has', { type: 'string', examples: ['GET, DELETE'] }),
  'Set-Cookie': sometimes('With the session cookie only: renews or expires it or `csrftoken`'),
  'X-CSRFToken': sometimes(
    'With the session cookie, for scripts of an origin in `CORS_ORIGINS` and `CSRF_TRUSTED_ORIGINS`: the token for the request header of that name',
  ),
};
export type HeaderName = keyof typeof HEADERS;

const ON_ALL: HeaderName[] = ['X-Request-Id', 'Cache-Control'];

export const headers = (...names: HeaderName[]) =>
  Object.fromEntries([...ON_ALL, ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** A successful response. */
export const success = (
  description: string,
  name: ResponseName,
  example: unknown,
  ...names: HeaderName[]
) => ({
  description,
  headers: headers(...names),
  content: { 'application/json': { schema: refTo(name), example } },
});

/** One of each, for its example. */
const REASONS: { [Code in ProblemCode]: Extract<Reason, { code: Code }> } = {
  invalid_fields: {
    code: 'invalid_fields',
    errors: [{ field: 'password', message: 'Enter your password.' }],
  },
  malformed_body: { code: 'malformed_body' },
  bad_credentials: { code: 'bad_credentials' },
  wrong_current_password: { code: 'wrong_current_password' },
  not_signed_in: { code: 'not_signed_in' },
  csrf_failed: { code: 'csrf_failed' },
  foreign_origin: { code: 'foreign_origin' },
  not_found: { code: 'not_found' },
  method_not_allowed: { code: 'method_not_allowed', allow: ['GET', 'DELETE'] },
  body_too_large: { code: 'body_too_large' },
  unsupported_media_type: { code: 'unsupported_media_type', wanted: 'json' },
  throttled: { code: 'throttled', retryAfterSeconds: 900 },
  internal_error: { code: 'internal_error' },
  store_unavailable: { code: 'store_unavailable', store: 'redis', fault: 'timeout' },
  overloaded: { code: 'overloaded' },
};

type ProblemReason = Reason & { readonly code: ProblemCode };

function problem(description: string, kinds: (ProblemCode | ProblemReason)[], ...names: HeaderName[]) {
  const reasons = kinds.map((kind): ProblemReason => (typeof kind === 'string' ? REASONS[kind] : kind));
  const examples = reasons.map((reason) => {
    const { code } = reason;
    const { title, status, detail } = problemOf(reason);
    const type = `urn:cloud-hoskie:problem:${code}`;
    const errors = reason.code === 'invalid_fields' ? { errors: reason.errors } : {};
    return [
      code,
      { value: { type, title, status, detail, code, request_id: REQUEST_ID, ...errors } },
    ] as const;
  });
  return {
    description: `${description} (${reasons.map(({ code }) => `\`${code}\``).join(', ')})`,
    headers: headers(...names),
    content: {
      'application/problem+json': { schema: refTo('Problem'), examples: Object.fromEntries(examples) },
    },
  };
}

/** Problems by name, with their statuses. */
const PROBLEMS = {
  InvalidBody: [400, problem('The body is wrong', ['invalid_fields', 'malformed_body'])],
  InvalidQuery: [400, problem('The query is wrong', ['invalid_fields'])],
  InvalidScope: [
    400,
    problem('The query is wrong, or the body is not the form that it says it is', [
      'invalid_fields',
      'malformed_body',
    ]),
  ],
  MalformedBody: [400, problem('The body is not the form that it says it is', ['malformed_body'])],
  NotSignedIn: [401, problem('No valid session', ['not_signed_in'], 'WWW-Authenticate')],
  BadCredentials: [
    401,
    problem('Wrong name or password; it never says which', ['bad_credentials'], 'WWW-Authenticate'),
  ],
  PasswordNotChanged: [
    401,
    problem(
      'No valid session, or not the current password',
      ['not_signed_in', 'wrong_current_password'],
      'WWW-Authenticate',
    ),
  ],
  Forbidden: [
    403,
    problem('With the session cookie only: no CSRF token, or a request from another site', [
      'csrf_failed',
      'foreign_origin',
    ]),
  ],
  NotFound: [404, problem('This user has no open session with that id', ['not_found'])],
  MethodNotAllowed: [405, problem('Another method than this address has', ['method_not_allowed'], 'Allow')],
  BodyTooLarge: [413, problem('A body over 64 KiB', ['body_too_large'])],
  UnsupportedMediaType: [415, problem('A body that is not `application/json`', ['unsupported_media_type'])],
  Throttled: [429, problem('Too many failures', ['throttled'], 'Retry-After')],
  InternalError: [
    500,
    problem('A fault of the service; plain text if its settings are wrong', ['internal_error']),
  ],
  Unavailable: [
    503,
    problem('Retry later; this never means signed out', ['store_unavailable'], 'Retry-After'),
  ],
  SignOutUnconfirmed: [
    503,
    problem(
      'The session may still be open: retry',
      [{ code: 'store_unavailable', store: 'redis', fault: 'timeout', unconfirmed: 'sign_out' }],
      'Retry-After',
    ),
  ],
  Busy: [
    503,
    problem('Retry later; this never means signed out', ['store_unavailable', 'overloaded'], 'Retry-After'),
  ],
} as const;
export type ProblemName = keyof typeof PROBLEMS;

export const problemResponses = () =>
  Object.fromEntries(Object.entries(PROBLEMS).map(([name, [, response]]) => [name, response]));

/** References by status. */
export const problems = (...names: ProblemName[]) =>
  Object.fromEntries(names.map((name) => [PROBLEMS[name][0], { $ref: `#/components/responses/${name}` }]));
