import * as z from 'zod/mini';
import { LOGOUT_REASONS } from '../activity/events.ts';
import type { Reason } from '../errors.ts';

// What the API returns. The types come from these schemas, and so does the OpenAPI document, when the Worker is built.

const described = (description: string) => z.string().check(z.describe(description));
const nullable = (description: string) => z.nullable(z.string()).check(z.describe(description));
const timestamp = (description: string) => z.iso.datetime().check(z.describe(description));

const ipAddress = nullable('IPv4, or IPv6 in its short form; null if unknown');
const userAgent = nullable('The `User-Agent` header, up to 512 characters; null if none was sent');
const sessionId = described('Public id of the session; not the token');

export const sessionResponse = z.object({
  id: sessionId,
  current: z.boolean().check(z.describe('Whether this is the session that sent the request')),
  kind: z.enum(['cookie', 'bearer']).check(z.describe('How it is authenticated: in a browser, or in an app')),
  created_at: timestamp('When the user signed in'),
  last_seen_at: timestamp('The last request; up to 5 minutes out of date'),
  expires_at: timestamp('The absolute end; without requests the session ends sooner'),
  ip_address: ipAddress,
  user_agent: userAgent,
  device_name: nullable('The name that the app gave at sign-in; null if none'),
  remember_me: z.boolean().check(z.describe('Whether it was started with `remember_me`')),
});
export type SessionView = z.infer<typeof sessionResponse>;

export const userResponse = z.object({
  id: described('A number of up to 64 bits, as text'),
  username: z.string(),
});
export type UserView = z.infer<typeof userResponse>;

export const signInResponse = z.object({
  token: described('The bearer token; returned here and nowhere else'),
  token_type: z.literal('Bearer'),
  expires_at: timestamp('When the token expires at the latest'),
  device_token: described(
    'Keep it, also after sign-out, and send it with the next sign-in of this user on this device; it grants no access',
  ),
  session: sessionResponse,
  user: userResponse,
});
export type SignInView = z.infer<typeof signInResponse>;

export const currentResponse = z.object({ session: sessionResponse, user: userResponse });
export type CurrentView = z.infer<typeof currentResponse>;

export const sessionsResponse = z.object({ sessions: z.array(sessionResponse) });
export type SessionsView = z.infer<typeof sessionsResponse>;

export const logoutReason = z
  .enum(LOGOUT_REASONS)
  .check(
    z.describe(
      [
        'Why the session ended (later versions may add reasons): `logout`, signed out',
        '`logout_others` and `logout_all`, signed out by `scope=others` and `scope=all`',
        '`revoked`, ended by its id',
        '`replaced`, the same browser signed in again',
        '`evicted`, the user had too many sessions',
        '`password_changed`',
        '`admin`, ended by an operator',
        '`expired_idle`, no request for too long',
        '`expired_absolute`, reached its `expires_at`',
        '`abandoned`, the response to the sign-in was lost, so no one has the token',
      ].join('; '),
    ),
  );

export const logoutResponse = z.object({
  id: z.uuid().check(z.describe('Primary key of its row in `logout_activity`')),
  session_id: sessionId,
  reason: logoutReason,
  logged_out_at: timestamp('When the session ended'),
});

export const receiptResponse = z.object({
  revoked: z.int().check(z.minimum(0), z.describe('How many sessions this request ended')),
  logouts: z.array(logoutResponse),
});
export type ReceiptView = z.infer<typeof receiptResponse>;

export const passwordResponse = z.extend(receiptResponse, {
  token: z.optional(described('The new bearer token; the old one is no longer valid. Absent with a cookie')),
});
export type PasswordView = z.infer<typeof passwordResponse>;

export const pastLogoutResponse = z.extend(logoutResponse, {
  ip_address: ipAddress,
  user_agent: userAgent,
  country: nullable("ISO 3166-1, or Cloudflare's `T1` for the Tor network and `XX`; null if unknown"),
});

export const logoutsResponse = z.object({
  logouts: z.array(pastLogoutResponse),
  next_before: nullable('Send it as `before` to get the next page; null on the last page'),
});
export type LogoutsView = z.infer<typeof logoutsResponse>;

/** What can go wrong with a request to `/api/v1`. */
const PROBLEM_CODES = [
  'invalid_fields',
  'malformed_body',
  'bad_credentials',
  'wrong_current_password',
  'not_signed_in',
  'csrf_failed',
  'foreign_origin',
  'not_found',
  'method_not_allowed',
  'body_too_large',
  'unsupported_media_type',
  'throttled',
  'internal_error',
  'store_unavailable',
  'overloaded',
] as const satisfies readonly Reason['code'][];
export type ProblemCode = (typeof PROBLEM_CODES)[number];

export const fieldErrorResponse = z.object({
  field: described('Name of the field or parameter; `body` for the body as a whole'),
  message: described('What is wrong, for people'),
});

/** RFC 9457. */
export const problemResponse = z.object({
  type: z.url().check(z.describe('The same as `code`, as a URI')),
  title: described('A short summary, for people'),
  status: z.int().check(z.minimum(400), z.maximum(599), z.describe('The HTTP status')),
  detail: described('What happened and what to do, for people; the text may change'),
  code: z.enum(PROBLEM_CODES).check(z.describe('Decide by this. Later versions may add codes')),
  request_id: z.uuid().check(z.describe('The same as in `X-Request-Id`; names this request in the log')),
  errors: z.optional(z.array(fieldErrorResponse).check(z.describe('With `invalid_fields` only'))),
});
