import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { StoreName } from './store/store-call.ts';

/** A field of the request that is wrong, and how; the message is for people. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** What an outage left in doubt. */
export type Unconfirmed = 'sign_out' | 'new_password' | 'password_change';

/** Everything that can be wrong with a request, by tag. `problemOf` says what the client is told. */
export type Reason =
  | { readonly code: 'invalid_fields'; readonly errors: readonly FieldError[] }
  | { readonly code: 'malformed_body' }
  | { readonly code: 'unsupported_media_type' }
  | { readonly code: 'body_too_large' }
  | { readonly code: 'bad_credentials' }
  | { readonly code: 'wrong_current_password' }
  | { readonly code: 'not_signed_in' }
  | { readonly code: 'csrf_failed' }
  | { readonly code: 'foreign_origin' }
  | { readonly code: 'not_found' }
  | { readonly code: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly code: 'throttled'; readonly retryAfterSeconds: number }
  | {
      readonly code: 'store_unavailable';
      readonly store: StoreName;
      readonly unconfirmed?: Unconfirmed;
    }
  | { readonly code: 'overloaded' }
  | { readonly code: 'internal_error' };

export type ReasonCode = Reason['code'];

/** Thrown by handlers and middleware, answered by the app's one error handler. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly reason: Reason;
  constructor(reason: Reason) {
    super(reason.code);
    this.reason = reason;
  }
}

/** What the client is told: the same whatever exactly went wrong inside (RFC 9457 members). */
export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** After an outage is noticed, this is a sensible time to come again. */
export const RETRY_AFTER_OUTAGE_SECONDS = 10;

export function problemOf(reason: Reason): Problem {
  const problem = (
    status: ContentfulStatusCode,
    title: string,
    detail: string,
    headers: Record<string, string> = {},
  ): Problem => ({ status, title, detail, headers });

  switch (reason.code) {
    case 'invalid_fields':
      return problem(400, 'Some fields are not right', reason.errors.map((e) => e.message).join(' '));
    case 'malformed_body':
      return problem(400, 'The request could not be read', 'The body is not well-formed.');
    case 'unsupported_media_type':
      return problem(415, 'Unsupported media type', 'The body must be application/json.');
    case 'body_too_large':
      return problem(413, 'The request is too large', 'A body may have 64 KiB at most.');
    case 'bad_credentials':
      return problem(401, 'Not signed in', 'The username or the password is not right.', {
        'WWW-Authenticate': 'Bearer',
      });
    case 'wrong_current_password':
      return problem(401, 'Not changed', 'The current password is not right.', {
        'WWW-Authenticate': 'Bearer',
      });
    case 'not_signed_in':
      return problem(401, 'Not signed in', 'This needs a valid session.', { 'WWW-Authenticate': 'Bearer' });
    case 'csrf_failed':
      return problem(
        403,
        'This form is no longer valid',
        'The form was made for another session or is too old. Go back, load the page again and try once more.',
      );
    case 'foreign_origin':
      return problem(403, 'Request from another site', 'This request came from a site that may not send it.');
    case 'not_found':
      return problem(404, 'Not found', 'There is nothing at this address.');
    case 'method_not_allowed':
      return problem(405, 'Method not allowed', `This address takes ${reason.allow.join(', ')}.`, {
        Allow: reason.allow.join(', '),
      });
    case 'throttled':
      return problem(
        429,
        'Too many attempts',
        `There were too many failed sign-ins. Try again in ${inWords(reason.retryAfterSeconds)}.`,
        { 'Retry-After': String(reason.retryAfterSeconds) },
      );
    case 'store_unavailable':
      return problem(503, 'Temporarily unavailable', outageInWords(reason.unconfirmed), {
        'Retry-After': String(RETRY_AFTER_OUTAGE_SECONDS),
      });
    case 'overloaded':
      return problem(
        503,
        'Busy',
        'So many people are signing in that yours would take too long. Nothing is lost; try again in a moment.',
        { 'Retry-After': String(RETRY_AFTER_OUTAGE_SECONDS) },
      );
    case 'internal_error':
      return problem(500, 'Something went wrong', 'This is our fault. It has been logged.');
  }
}

function outageInWords(unconfirmed: Unconfirmed | undefined): string {
  switch (unconfirmed) {
    case undefined:
      return 'The service cannot reach its data at the moment. Nothing is lost; try again in a moment.';
    case 'sign_out':
      return 'The session may still be open. Try again in a moment.';
    case 'new_password':
      return 'The new password may be set already, or not. Try to sign in with it in a moment.';
    case 'password_change':
      return 'The new password is set, but your sessions on other devices may still be open for a moment. Sign in with the new password and look at your sessions.';
  }
}

function inWords(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 1 ? 'a minute' : `${minutes} minutes`;
}
