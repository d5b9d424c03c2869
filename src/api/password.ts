import { Hono } from 'hono/tiny';
import { RequestError } from '../errors.ts';
import { changePassword } from '../session/change-password.ts';
import { resumeSession } from '../session/lifecycle.ts';
import { viewReceipt } from '../session/presentation.ts';
import { findPasswordFlaw } from '../user/password-rules.ts';
import { requireHolder, requireJson } from '../web/api-guard.ts';
import { setSessionCookies } from '../web/csrf-guard.ts';
import type { AppEnv } from '../web/request-context.ts';
import { validate } from '../web/validate.ts';
import { passwordBody } from './schemas.ts';

/** Four waits and two bcrypts: rare, and it may take its time. */
export const passwordApi = new Hono<AppEnv>().put(
  '/password',
  requireJson(),
  validate('json', passwordBody),
  async (c) => {
    const request = c.get('request');
    const { current_password: currentPassword, new_password: newPassword } = c.req.valid('json');
    const holder = await requireHolder(c, 'changes');
    const check = await resumeSession(request, holder);
    if (check.status === 'invalid') throw new RequestError({ code: 'not_signed_in' });
    const flaw = findPasswordFlaw({
      password: newPassword,
      username: check.session.username,
      minLength: request.settings.MIN_PASSWORD_LENGTH,
    });
    if (flaw !== null) {
      throw new RequestError({ code: 'invalid_fields', errors: [{ field: 'new_password', message: flaw }] });
    }
    const result = await changePassword(request, holder, check.session, { currentPassword, newPassword });
    switch (result.status) {
      case 'wrong_password':
        throw new RequestError({ code: 'wrong_current_password' });
      case 'not_signed_in':
        throw new RequestError({ code: 'not_signed_in' });
      case 'throttled':
        throw new RequestError({ code: 'throttled', retryAfterSeconds: result.retryAfterSeconds });
      case 'changed': {
        c.set('outcome', 'password_changed');
        const receipt = viewReceipt(result.logouts);
        if (holder.kind === 'bearer') return c.json({ ...receipt, token: result.token });
        setSessionCookies(c, result);
        return c.json(receipt);
      }
    }
  },
);
