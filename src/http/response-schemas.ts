import * as z from 'zod/mini';
import { LOGOUT_REASONS } from '../activity/events.ts';

// What the API returns. The types come from these schemas, and so does the OpenAPI document, when the Worker is built.

const timestamp = z.string().check(z.describe('RFC 3339, UTC'));
const nullableText = z.nullable(z.string());

export const sessionResponse = z.object({
  id: z.string().check(z.describe('Public id; not the token')),
  current: z.boolean().check(z.describe('Whether this is the session that sent the request')),
  kind: z.enum(['cookie', 'bearer']),
  created_at: timestamp,
  last_seen_at: z.string().check(z.describe('RFC 3339, UTC; at most 5 minutes old')),
  expires_at: z.string().check(z.describe('RFC 3339, UTC; the absolute end, idleness may end it sooner')),
  ip_address: nullableText,
  user_agent: nullableText,
  device_name: nullableText,
  remember_me: z.boolean(),
});
export type SessionView = z.infer<typeof sessionResponse>;

export const userResponse = z.object({ id: z.string(), username: z.string() });
export type UserView = z.infer<typeof userResponse>;

export const signInResponse = z.object({
  token: z.string().check(z.describe('The bearer token; shown this once')),
  token_type: z.literal('Bearer'),
  expires_at: timestamp,
  device_token: z
    .string()
    .check(z.describe('Send it with the next sign-in of this user from this device; it opens nothing')),
  session: sessionResponse,
  user: userResponse,
});
export type SignInView = z.infer<typeof signInResponse>;

export const currentResponse = z.object({ session: sessionResponse, user: userResponse });
export type CurrentView = z.infer<typeof currentResponse>;

export const sessionsResponse = z.object({ sessions: z.array(sessionResponse) });
export type SessionsView = z.infer<typeof sessionsResponse>;

const logout = z.object({
  id: z.string().check(z.describe('Primary key of the row in logout_activity')),
  session_id: z.string(),
  reason: z.enum(LOGOUT_REASONS),
  logged_out_at: timestamp,
});

export const receiptResponse = z.object({ revoked: z.int(), logouts: z.array(logout) });
export type ReceiptView = z.infer<typeof receiptResponse>;

export const passwordResponse = z.extend(receiptResponse, {
  token: z.optional(z.string().check(z.describe('The new token of a bearer; the old one is dead'))),
});
export type PasswordView = z.infer<typeof passwordResponse>;

export const logoutsResponse = z.object({
  logouts: z.array(
    z.extend(logout, { ip_address: nullableText, user_agent: nullableText, country: nullableText }),
  ),
  next_before: z.nullable(z.string()).check(z.describe('For the next page; null on the last one')),
});
export type LogoutsView = z.infer<typeof logoutsResponse>;

/** RFC 9457. */
export const problemResponse = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().check(z.describe('Stable, for programs')),
  request_id: z.string(),
  errors: z.optional(z.array(z.object({ field: z.string(), message: z.string() }))),
});
