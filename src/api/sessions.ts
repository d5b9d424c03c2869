import { Hono } from 'hono/tiny';
import { RequestError } from '../errors.ts';
import {
  endsOwn,
  listSessions,
  resumeSession,
  revokeSessions,
  terminateSessions,
} from '../session/lifecycle.ts';
import { viewReceipt, viewSession, viewUser } from '../session/presentation.ts';
import type { RecordedLogout, RevokeScope } from '../session/session-store.ts';
import { signIn } from '../session/sign-in.ts';
import { hashToken, NO_SESSION_ID, parseSessionId } from '../session/token.ts';
import { readApiCredential, requireHolder, requireJson } from '../web/api-guard.ts';
import { expireCookies, hasCsrfToken, requireOwnOrigin } from '../web/csrf-guard.ts';
import type { AppContext, AppEnv } from '../web/request-context.ts';
import { unlessUnconfirmed } from '../web/unconfirmed.ts';
import { validate } from '../web/validate.ts';
import { revokeQuery, signInBody } from './schemas.ts';

/** Sessions over JSON; a bearer token is the same kind of session as a cookie, in the same list. */
export const sessionsApi = new Hono<AppEnv>()
  /** Two waits and a bcrypt. No cookie is set, and a cookie that comes along means nothing here. */
  .post('/sessions', requireJson(), validate('json', signInBody), async (c) => {
    const { username, password, remember_me: rememberMe, device_name: deviceName } = c.req.valid('json');
    const result = await signIn(
      c.get('request'),
      { username, password },
      {
        kind: 'bearer',
        rememberMe,
        deviceName: deviceName === '' ? null : (deviceName ?? null),
        replaces: [],
      },
    );
    switch (result.status) {
      case 'bad_credentials':
        throw new RequestError({ code: 'bad_credentials' });
      case 'throttled':
        throw new RequestError({ code: 'throttled', retryAfterSeconds: result.retryAfterSeconds });
      case 'signed_in': {
        const session = viewSession(result.session, result.session.id);
        c.set('outcome', 'signed_in');
        return c.json(
          {
            token: result.token,
            token_type: 'Bearer' as const,
            expires_at: session.expires_at,
            session,
            user: viewUser(result.session),
          },
          201,
        );
      }
    }
  })

  /** One wait, one command. */
  .get('/sessions/current', async (c) => {
    const check = await resumeSession(c.get('request'), await requireHolder(c, 'reads'));
    if (check.status === 'invalid') throw new RequestError({ code: 'not_signed_in' });
    const { session } = check;
    return c.json({ session: viewSession(session, session.id), user: viewUser(session) });
  })

  /** One wait. */
  .get('/sessions', async (c) => {
    const list = await listSessions(c.get('request'), await requireHolder(c, 'reads'));
    if (list.status === 'invalid') throw new RequestError({ code: 'not_signed_in' });
    return c.json({ sessions: list.sessions.map((session) => viewSession(session, list.session.id)) });
  })

  /** One wait. What is ended already, or never was, is no error: the caller wanted it gone, and it is. */
  .delete('/sessions/current', async (c) => {
    const credential = readApiCredential(c);
    if (credential.status === 'missing') throw new RequestError({ code: 'not_signed_in' });
    const isCookie =
      credential.status === 'present' ? credential.holder.kind === 'cookie' : credential.kind === 'cookie';
    if (isCookie) requireOwnOrigin(c);
    let logouts: readonly RecordedLogout[] = [];
    if (credential.status === 'present') {
      const { token, holder } = credential;
      // With twins (see `sessionCookies`) a browser sends two, and both cookies expire: both sessions end.
      const tokens = isCookie ? c.get('request').cookies.tokens : [token];
      const tokenHashes = tokens.map(hashToken);
      if (!isCookie || (await hasCsrfToken(c, tokenHashes))) {
        logouts = await unlessUnconfirmed(() =>
          terminateSessions(c.get('request'), tokens, holder.kind, 'logout'),
        );
      } else {
        for (const tokenHash of tokenHashes) {
          const check = await unlessUnconfirmed(() =>
            resumeSession(c.get('request'), { tokenHash, kind: 'cookie' }),
          );
          if (check.status === 'valid') throw new RequestError({ code: 'csrf_failed' });
        }
      }
    }
    if (isCookie) expireCookies(c);
    c.set('outcome', logouts.length > 0 ? 'signed_out' : 'already_signed_out');
    return c.json(viewReceipt(logouts));
  })

  .delete('/sessions/:id', async (c) => {
    const only = parseSessionId(c.req.param('id')) ?? NO_SESSION_ID;
    return c.json(viewReceipt(await revoke(c, { only })));
  })

  .delete('/sessions', validate('query', revokeQuery), async (c) => {
    const { scope } = c.req.valid('query');
    return c.json(viewReceipt(await revoke(c, { all: scope === 'all' ? 'everywhere' : 'others' })));
  });

/** Ends sessions of the holder's user, in one wait. Throws `not_signed_in` or `not_found`. */
async function revoke(c: AppContext, scope: RevokeScope): Promise<readonly RecordedLogout[]> {
  const request = c.get('request');
  const holder = await requireHolder(c, 'changes');
  const isCookie = holder.kind === 'cookie';
  const result = await unlessUnconfirmed(() =>
    revokeSessions(request, holder, scope, isCookie ? request.cookies.tokens : []),
  );
  if (result.status === 'invalid') throw new RequestError({ code: 'not_signed_in' });
  if (result.status === 'not_found') throw new RequestError({ code: 'not_found' });
  c.set('outcome', 'revoked');
  if (isCookie && endsOwn(result.logouts)) expireCookies(c);
  return result.logouts;
}
