import { Hono } from '../http/hono.ts';
import { changePassword } from '../auth/change-password.ts';
import { ServiceError } from '../errors.ts';
import { findChangingSession } from '../http/changing-session.ts';
import { setSessionCookies } from '../http/response-cookies.ts';
import { requireCredentialsAndCsrf } from '../http/guards.ts';
import type { PasswordView } from '../http/response-schemas.ts';
import { viewReceipt } from '../http/session-views.ts';
import { validate } from '../http/validate.ts';
import { passwordBody } from './request-schemas.ts';
import { requireJson } from './require-json.ts';

export const passwordApi = new Hono().put(
  '/password',
  requireJson(),
  validate('json', passwordBody),
  async (c) => {
    const request = c.get('request');
    const { current_password: currentPassword, new_password: newPassword } = c.req.valid('json');
    const { kind, tokenHashes } = await requireCredentialsAndCsrf(c);
    const changing = await findChangingSession(c, tokenHashes);
    if (changing === null) throw new ServiceError({ code: 'not_signed_in' });
    const { session, tokenHash } = changing;
    if (!tokenHashes.includes(tokenHash)) throw new ServiceError({ code: 'csrf_failed' });
    const credential = { kind, tokenHash };
    const result = await changePassword(request, credential, session, { currentPassword, newPassword });
    if (result.status === 'refused') throw new ServiceError(result.reason);
    c.set('outcome', 'password_changed');
    if (kind === 'cookie') setSessionCookies(c, result);
    return c.json<PasswordView>({
      ...viewReceipt(result.logouts),
      ...(kind === 'cookie' ? {} : { token: result.token }),
    });
  },
);
