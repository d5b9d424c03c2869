import { Hono } from '../http/hono.ts';
import { signIn } from '../auth/sign-in.ts';
import { ServiceError } from '../errors.ts';
import type { AppContext } from '../http/context.ts';
import { isTrustedScript } from '../http/cross-origin.ts';
import { CSRF_HEADER, csrfTokenForForm } from '../http/csrf.ts';
import { expireCookies } from '../http/response-cookies.ts';
import {
  requireCredentials,
  requireCredentialsAndCsrf,
  requireOpenSession,
  authorizeSignOut,
} from '../http/guards.ts';
import type { CurrentView, ReceiptView, SessionsView, SignInView } from '../http/response-schemas.ts';
import { viewReceipt, viewSession, viewUser } from '../http/session-views.ts';
import { validate } from '../http/validate.ts';
import { NO_SESSION_ID, parseSessionId } from '../lib/ids.ts';
import { endSessions, endedOwnSession, revokeSessions } from '../session/end-sessions.ts';
import { listSessions } from '../session/resume-session.ts';
import { allTokens, type RevokeScope } from '../session/session-store.ts';
import { visibleName } from '../lib/text.ts';
import { requireJson } from './require-json.ts';
import { revokeQuery, signInBody } from './request-schemas.ts';

/** Sessions over JSON. A bearer token's session is like a cookie's, and in the same list. */
export const sessionsApi = new Hono()
  /** Sets no cookie, and ignores one that is sent. */
  .post('/sessions', requireJson(), validate('json', signInBody), async (c) => {
    const {
      username,
      password,
      remember_me: rememberMe,
      device_name: deviceName,
      device_token: deviceToken,
    } = c.req.valid('json');
    const deviceTokens = typeof deviceToken === 'string' ? [deviceToken] : [];
    const result = await signIn(
      c.get('request'),
      { username, password, deviceTokens },
      {
        kind: 'bearer',
        rememberMe,
        deviceName: visibleName(deviceName ?? ''),
        replaces: [],
        form: null,
      },
    );
    if (result.status === 'refused') throw new ServiceError(result.reason);
    const session = viewSession(result.session, result.session.id);
    c.set('outcome', 'signed_in');
    return c.json<SignInView, 201>(
      {
        token: result.token,
        token_type: 'Bearer',
        expires_at: session.expires_at,
        device_token: result.deviceToken,
        session,
        user: viewUser(result.session),
      },
      201,
    );
  })

  .get('/sessions/current', async (c) => {
    const { session, tokenHash } = await requireOpenSession(c);
    // The pages of our own origin have it in their forms.
    if (session.kind === 'cookie' && isTrustedScript(c)) {
      c.header(CSRF_HEADER, csrfTokenForForm(c, [tokenHash], session));
    }
    return c.json<CurrentView>({ session: viewSession(session, session.id), user: viewUser(session) });
  })

  .get('/sessions', async (c) => {
    const list = await listSessions(c.get('request'), requireCredentials(c));
    if (list.status === 'invalid') throw new ServiceError({ code: 'not_signed_in' });
    const sessions = list.sessions.map((session) => viewSession(session, list.session.id));
    return c.json<SessionsView>({ sessions });
  })

  /** What has ended already, or never was, is no error: the client wanted it gone, and it is. */
  .delete('/sessions/current', async (c) => {
    const { credentials } = c.get('request');
    if (credentials.status === 'missing') throw new ServiceError({ code: 'not_signed_in' });
    const offered = allTokens(await authorizeSignOut(c));
    const logouts = await endSessions(c.get('request'), offered, 'logout');
    if (credentials.kind === 'cookie') expireCookies(c);
    c.set('outcome', logouts.length > 0 ? 'signed_out' : 'already_signed_out');
    return c.json<ReceiptView>(viewReceipt(logouts));
  })

  .delete('/sessions/:id', async (c) =>
    revoke(c, { only: parseSessionId(c.req.param('id')) ?? NO_SESSION_ID }),
  )

  .delete('/sessions', validate('query', revokeQuery), async (c) => revoke(c, c.req.valid('query').scope));

async function revoke(c: AppContext, scope: RevokeScope) {
  const authorized = await requireCredentialsAndCsrf(c);
  const result = await revokeSessions(c.get('request'), authorized, scope);
  if (result.status === 'invalid') throw new ServiceError({ code: 'not_signed_in' });
  if (result.status === 'not_found') throw new ServiceError({ code: 'not_found' });
  c.set('outcome', 'revoked');
  if (authorized.kind === 'cookie' && endedOwnSession(result.logouts)) expireCookies(c);
  return c.json<ReceiptView>(viewReceipt(result.logouts));
}
