import { accepts } from 'hono/accepts';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Reason, Unconfirmed } from '../errors.ts';
import type { AppContext } from './context.ts';

/** What the client sees: the same whatever exactly went wrong inside (members of RFC 9457). */
export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** RFC 6750 section 3. */
const CHALLENGE = 'Bearer realm="Cloud Hoskie"';

/** When to try again after an outage was noticed. */
export const RETRY_AFTER_OUTAGE_SECONDS = 10;

export function problemOf(reason: Reason): Problem {
  const problem = (
    status: ContentfulStatusCode,
    title: string,
    detail: string,
    headers: Record<string, string> = {},
  ): Problem => ({ status, title, detail, headers });
  const retryAfter = (seconds: number) => ({ 'Retry-After': String(seconds) });
  const challenge = { 'WWW-Authenticate': CHALLENGE };

  switch (reason.code) {
    case 'invalid_fields':
      return problem(400, 'Please check the form', reason.errors.map((e) => e.message).join(' '));
    case 'malformed_body':
      return problem(400, "We couldn't read the request", 'The request body is malformed.');
    case 'unsupported_media_type':
      return problem(
        415,
        'Unsupported media type',
        reason.wanted === 'json'
          ? 'The request body must be application/json.'
          : 'The request body must be a form: application/x-www-form-urlencoded or multipart/form-data.',
      );
    case 'body_too_large':
      return problem(413, 'Request too large', 'The request body is larger than 64 KiB.');
    case 'bad_credentials':
      return problem(401, 'Not signed in', 'Incorrect username or password.', challenge);
    case 'wrong_current_password':
      return problem(401, 'Password not changed', 'Incorrect current password.', challenge);
    case 'not_signed_in':
      return problem(401, 'Not signed in', 'Sign in first.', challenge);
    case 'csrf_failed':
      return problem(
        403,
        'This form is out of date',
        reason.noCookie === true
          ? 'Your browser sent no cookie. Try again; if this repeats, it blocks cookies for this site.'
          : 'You may have signed in or out since you opened this page. Please try again.',
      );
    case 'foreign_origin':
      return problem(
        403,
        'Request from another site',
        "Another site sent this request, so we didn't accept it.",
      );
    case 'original_url_missing':
      return problem(
        400,
        'Original address missing',
        'Send the address of the original request: X-Original-URL to auth-request; X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Uri to forward-auth.',
      );
    case 'unknown_host':
      return problem(
        403,
        'Unknown address',
        "This service doesn't sign people in for this address. Operators: add its host to ALLOWED_REDIRECT_HOSTS.",
      );
    case 'not_found':
      return problem(404, 'Not found', "There's nothing at this address.");
    case 'method_not_allowed':
      return problem(405, 'Method not allowed', `This address accepts ${reason.allow.join(', ')}.`, {
        Allow: reason.allow.join(', '),
      });
    case 'throttled':
      return problem(
        429,
        'Too many attempts',
        `Too many failed attempts. Try again in ${minutesInWords(reason.retryAfterSeconds)}.`,
        retryAfter(reason.retryAfterSeconds),
      );
    case 'store_unavailable':
      return problem(
        503,
        'Temporarily unavailable',
        outageInWords(reason.unconfirmed),
        retryAfter(RETRY_AFTER_OUTAGE_SECONDS),
      );
    case 'overloaded':
      return problem(
        503,
        'Busy',
        'Too many sign-ins right now. Try again in a few seconds.',
        retryAfter(RETRY_AFTER_OUTAGE_SECONDS),
      );
    case 'internal_error':
      return problem(500, 'Something went wrong', "That's our fault, and it has been logged.");
  }
}

function outageInWords(unconfirmed: Unconfirmed | undefined): string {
  switch (unconfirmed) {
    case undefined:
      return "We can't reach our data right now. Nothing is lost; try again in a moment.";
    case 'sign_out':
      return "We couldn't confirm the sign-out. The session may still be open; try again in a moment.";
    case 'new_password':
      return "We couldn't confirm the change. Sign in with the new password; if that fails, use the old one.";
    case 'password_change':
      return 'Your password is changed, but your other devices may still be signed in for a moment. Sign in with the new password and check your sessions.';
  }
}

function minutesInWords(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 1 ? 'a minute' : `${minutes} minutes`;
}

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

/** Responds with what went wrong, as `application/problem+json` (RFC 9457) or as the page that `renderPage` makes. */
export function respondWithProblem(
  c: AppContext,
  reason: Reason,
  renderPage: (problem: Problem) => Response | Promise<Response>,
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
    return renderPage(problem);
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
      ...(reason.code === 'invalid_fields' ? { errors: reason.errors } : {}),
    }),
    problem.status,
    { 'Content-Type': 'application/problem+json' },
  );
}
