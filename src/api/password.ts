import { Hono } from 'hono';
import { changePassword } from '../auth/change-password.ts';
import { findPasswordFlaw } from '../auth/password-rules.ts';
import { ServiceError } from '../errors.ts';
import type { AppEnv } from '../http/context.ts';
import { setSessionCookies } from '../http/csrf.ts';
import { requireCredentialsToChange, requireSession } from '../http/guards.ts';
import type { PasswordView } from '../http/response-schemas.ts';
import { viewReceipt } from '../http/session-views.ts';
import { validate } from '../http/validate.ts';
import { passwordBody } from './request-schemas.ts';
import { requireJson } from './require-json.ts';

export const passwordApi = new Hono<AppEnv>().put(
  '/password',
  requireJson(),
  validate('json', passwordBody),
  async (c) => {
    const { request } = c.var;
    const { current_password: currentPassword, new_password: newPassword } = c.req.valid('json');
    const { kind, tokenHashes } = await requireCredentialsToChange(c);
    const session = await requireSession(c);
    const flaw = findPasswordFlaw({
      password: newPassword,
      username: session.username,
      minLength: request.settings.MIN_PASSWORD_LENGTH,
    });
    if (flaw !== null) {
      throw new ServiceError({ code: 'invalid_fields', errors: [{ field: 'new_password', message: flaw }] });
    }
    const credential = { kind, tokenHash: tokenHashes[0] };
    const result = await changePassword(request, credential, session, { currentPassword, newPassword });
    switch (result.status) {
      case 'wrong_password':
        throw new ServiceError({ code: 'wrong_current_password' });
      case 'not_signed_in':
        throw new ServiceError({ code: 'not_signed_in' });
      case 'throttled':
        throw new ServiceError({ code: 'throttled', retryAfterSeconds: result.retryAfterSeconds });
      case 'changed': {
        c.set('outcome', 'password_changed');
        if (kind === 'cookie') setSessionCookies(c, result);
        return c.json<PasswordView>({
          ...viewReceipt(result.logouts),
          ...(kind === 'cookie' ? {} : { token: result.token }),
        });
      }
    }
  },
);
