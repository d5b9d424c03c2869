import { accepts } from 'hono/accepts';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Reason } from '../errors.ts';
import type { AppContext } from './context.ts';
import { describeProblem, type ProblemText } from './problem-texts.ts';

/** What the client sees: the same whatever exactly went wrong inside (members of RFC 9457). */
interface Problem extends ProblemText {
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;
}

/** RFC 6750 section 3. */
const CHALLENGE = 'Bearer realm="Cloud Hoskie"';

/** When to try again after an outage was noticed. */
export const RETRY_AFTER_OUTAGE_SECONDS = 10;

const STATUS: Readonly<Record<Reason['code'], ContentfulStatusCode>> = {
  invalid_fields: 400,
  malformed_body: 400,
  unsupported_media_type: 415,
  body_too_large: 413,
  bad_credentials: 401,
  wrong_current_password: 401,
  not_signed_in: 401,
  csrf_failed: 403,
  foreign_origin: 403,
  original_url_missing: 400,
  unknown_host: 403,
  not_found: 404,
  method_not_allowed: 405,
  throttled: 429,
  store_unavailable: 503,
  overloaded: 503,
  internal_error: 500,
};

function headersOf(reason: Reason): Record<string, string> {
  if (reason.code === 'method_not_allowed') return { Allow: reason.allow.join(', ') };
  if (reason.code === 'throttled') return { 'Retry-After': String(reason.retryAfterSeconds) };
  const status = STATUS[reason.code];
  if (status === 503) return { 'Retry-After': String(RETRY_AFTER_OUTAGE_SECONDS) };
  return status === 401 ? { 'WWW-Authenticate': CHALLENGE } : {};
}

export const problemOf = (reason: Reason): Problem => ({
  status: STATUS[reason.code],
  ...describeProblem(reason),
  headers: headersOf(reason),
});

/** Whether this client reads problem+json rather than pages. */
function prefersJson(c: AppContext): boolean {
  if (c.req.path.startsWith('/api/')) return true;
  const best = accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json', 'application/problem+json'],
    default: 'text/html',
  });
  return best !== 'text/html';
}

/** Whether a token came that isn't valid; without one, RFC 6750 section 3.1 wants no error code. */
function sentBearer(c: AppContext): boolean {
  const { credentials } = c.get('request');
  return credentials.status !== 'missing' && credentials.kind === 'bearer';
}

/**
 * Responds with what went wrong, as `application/problem+json` (RFC 9457) or as the page that `renderPage` makes, in the
 * visitor's language.
 */
export function respondWithProblem(
  c: AppContext,
  reason: Reason,
  renderPage: () => Response | Promise<Response>,
): Response | Promise<Response> {
  const problem = problemOf(reason);
  c.set('outcome', reason.code);
  const isJson = prefersJson(c);
  for (const [name, value] of Object.entries(problem.headers)) {
    // A challenge would make a browser ask for a password by itself; it is for API clients.
    if (name !== 'WWW-Authenticate' || isJson) c.header(name, value);
  }
  if (isJson && reason.code === 'not_signed_in' && sentBearer(c))
    c.header('WWW-Authenticate', `${CHALLENGE}, error="invalid_token"`);
  if (!isJson) {
    c.status(problem.status);
    return renderPage();
  }
  return c.body(
    JSON.stringify({
      // Names the kind of problem for programs (RFC 9457 section 3.1.1); the same word as `code`.
      type: `urn:cloud-hoskie:problem:${reason.code}`,
      title: problem.title,
      status: problem.status,
      detail: problem.detail,
      code: reason.code,
      request_id: c.get('request').requestId,
      ...(reason.code === 'invalid_fields'
        ? { errors: reason.errors.map(({ field, message }) => ({ field, message })) }
        : {}),
    }),
    problem.status,
    { 'Content-Type': 'application/problem+json' },
  );
}
