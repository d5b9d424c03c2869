import * as z from 'zod/mini';
import { deviceName, deviceToken, newPassword, password, username } from '../http/fields.ts';

// What the API accepts. These schemas validate requests, and the OpenAPI document is made from them.

/** Body of `POST /sessions`. */
export const signInBody = z.object({
  username,
  password,
  remember_me: z._default(z.boolean({ error: 'remember_me must be true or false.' }), false),
  device_name: z.optional(z.nullable(deviceName)),
  device_token: z.optional(z.nullable(deviceToken)),
});

/** Body of `PUT /password`. */
export const passwordBody = z.object({ current_password: password, new_password: newPassword });

/** Query of `DELETE /sessions`. */
export const revokeQuery = z.object({
  scope: z.enum(['others', 'all'], { error: 'scope must be "others" or "all".' }),
});

export const LOGOUTS_LIMIT_DEFAULT = 20;
export const LOGOUTS_LIMIT_MAX = 100;
const limitError = `limit must be a number from 1 to ${LOGOUTS_LIMIT_MAX}.`;

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
    z.string().check(
      z.regex(/^\d{1,14}\.[0-9a-f-]{36}$/, {
        error: 'before must be the next_before of the previous page.',
      }),
    ),
  ),
});
