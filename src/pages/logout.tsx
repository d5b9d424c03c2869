import { Hono } from 'hono/tiny';
import { RequestError } from '../errors.ts';
import { resumeSession, terminateSessions } from '../session/lifecycle.ts';
import { hashToken } from '../session/token.ts';
import {
  CSRF_FIELD,
  csrfTokenForForm,
  expireCookies,
  hasCsrfToken,
  requireOwnOrigin,
} from '../web/csrf-guard.ts';
import type { AppContext, AppEnv } from '../web/request-context.ts';
import { findSignedIn } from '../web/sign-in-guard.ts';
import { unlessUnconfirmed } from '../web/unconfirmed.ts';
import { Layout } from './layout.tsx';

export const logoutPage = new Hono<AppEnv>()
  /** Asks; changes nothing, since links are followed by others than people. */
  .get('/logout/', async (c) => {
    const signedIn = await findSignedIn(c);
    if (signedIn === null) return c.redirect(c.get('request').settings.ACCOUNT_LOGOUT_REDIRECT_URL, 302);
    const csrfToken = csrfTokenForForm(c, [signedIn.tokenHash], signedIn.session);
    return c.html(
      <Layout title="Sign out" username={signedIn.session.username}>
        <h1>Sign out?</h1>
        <p>This ends your session on this device. Your other devices stay signed in.</p>
        <form class="actions" method="post" action="/logout/">
          <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
          <button type="submit">Sign out</button>
          <a class="button quiet" href="/home/">
            Stay signed in
          </a>
        </form>
      </Layout>,
    );
  })

  /**
   * Ends the session in one wait. The answer is given only when the session is dead: until then the cookies stay
   * and 503 is said. Without an open session there is nothing to protect: the same answer, no token asked for.
   */
  .post('/logout/', async (c) => {
    requireOwnOrigin(c);
    const request = c.get('request');
    const { tokens } = request.cookies;
    if (tokens.length > 0) {
      const tokenHashes = tokens.map(hashToken);
      if (await hasCsrfToken(c, tokenHashes)) {
        const logouts = await unlessUnconfirmed(() => terminateSessions(request, tokens, 'cookie', 'logout'));
        c.set('outcome', logouts.length > 0 ? 'signed_out' : 'already_signed_out');
      } else {
        for (const tokenHash of tokenHashes) {
          const check = await unlessUnconfirmed(() => resumeSession(request, { tokenHash, kind: 'cookie' }));
          if (check.status === 'valid') throw new RequestError({ code: 'csrf_failed' });
        }
        c.set('outcome', 'already_signed_out');
      }
    }
    return answerSignedOut(c);
  });

/** The cookies expire, the browser goes where signed-out people go. */
export function answerSignedOut(c: AppContext): Response {
  expireCookies(c);
  return c.redirect(c.get('request').settings.ACCOUNT_LOGOUT_REDIRECT_URL, 303);
}
