import * as z from 'zod/mini';
import { LOGOUT_REASONS } from '../activity/events.ts';
import { deviceName, newPassword, password, username } from '../web/fields.ts';

/** What the API takes and gives. The same schemas validate requests and make the OpenAPI description. */

const timestamp = z.string().check(z.describe('RFC 3339, UTC'));
const nullableText = z.nullable(z.string());

/** Body of `POST /sessions`. */
export const signInBody = z.object({
  username,
  password,
  remember_me: z._default(z.boolean({ error: 'remember_me is true or false.' }), false),
  device_name: z.optional(z.nullable(deviceName)),
});

/** Body of `PUT /password`. */
export const passwordBody = z.object({ current_password: password, new_password: newPassword });

/** Query of `DELETE /sessions`. */
export const revokeQuery = z.object({
  scope: z.enum(['others', 'all'], { error: 'scope must be "others" or "all".' }),
});

export const LOGOUTS_LIMIT_DEFAULT = 20;
export const LOGOUTS_LIMIT_MAX = 100;
const limitError = `limit is a number from 1 to ${LOGOUTS_LIMIT_MAX}.`;

/** Query of `GET /logouts`. */
export const logoutsQuery = z.object({
  limit: z.pipe(
    z._default(
      z.string().check(z.regex(/^[1-9]\d{0,2}$/, { error: limitError })),
      String(LOGOUTS_LIMIT_DEFAULT),
    ),
    z.pipe(z.transform(Number), z.int().check(z.maximum(LOGOUTS_LIMIT_MAX, { error: limitError }))),
  ),
  before: z.optional(
    z.string().check(z.regex(/^\d{1,15}\.[0-9a-f-]{36}$/, { error: 'before is what next_before was.' })),
  ),
});

export const sessionAnswer = z.object({
  id: z.string().check(z.describe('Public id; not the token')),
  current: z.boolean().check(z.describe('Whether this is the session that asks')),
  kind: z.enum(['cookie', 'bearer']),
  created_at: timestamp,
  last_seen_at: z.string().check(z.describe('RFC 3339, UTC; at most 5 minutes old')),
  expires_at: z.string().check(z.describe('RFC 3339, UTC; the absolute end, idleness may end it sooner')),
  ip_address: nullableText,
  user_agent: nullableText,
  device_name: nullableText,
  remember_me: z.boolean(),
});

export const userAnswer = z.object({ id: z.string(), username: z.string() });

export const signInAnswer = z.object({
  token: z.string().check(z.describe('The bearer token; shown this once')),
  token_type: z.literal('Bearer'),
  expires_at: timestamp,
  session: sessionAnswer,
  user: userAnswer,
});

export const currentAnswer = z.object({ session: sessionAnswer, user: userAnswer });

export const sessionsAnswer = z.object({ sessions: z.array(sessionAnswer) });

const receiptLogout = z.object({
  id: z.string().check(z.describe('Primary key of the row in logout_activity')),
  session_id: z.string(),
  reason: z.enum(LOGOUT_REASONS),
  logged_out_at: timestamp,
});

export const receiptAnswer = z.object({ revoked: z.int(), logouts: z.array(receiptLogout) });

export const passwordAnswer = z.extend(receiptAnswer, {
  token: z.optional(z.string().check(z.describe('The new token of a bearer; the old one is dead'))),
});

export const logoutsAnswer = z.object({
  logouts: z.array(
    z.extend(receiptLogout, { ip_address: nullableText, user_agent: nullableText, country: nullableText }),
  ),
  next_before: z.nullable(z.string()).check(z.describe('For the next page; null on the last one')),
});

/** RFC 9457. */
export const problemAnswer = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().check(z.describe('Stable, for programs')),
  request_id: z.string(),
  errors: z.optional(z.array(z.object({ field: z.string(), message: z.string() }))),
});
