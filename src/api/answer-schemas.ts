import * as z from 'zod/mini';
import { LOGOUT_REASONS } from '../activity/events.ts';

/**
 * What the API gives. The OpenAPI description is made from these when the Worker is built, and the tests hold real
 * answers against them; the Worker itself does without them.
 */

const timestamp = z.string().check(z.describe('RFC 3339, UTC'));
const nullableText = z.nullable(z.string());

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
