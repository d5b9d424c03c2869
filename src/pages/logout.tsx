import { expireCookies } from '../http/response-cookies.ts';
import { Hono } from 'hono';
import type { AppContext, AppEnv } from '../http/context.ts';
import { CSRF_FIELD, csrfTokenForForm } from '../http/csrf.ts';
import { currentSession, authorizeSignOut } from '../http/guards.ts';
import { endSessions } from '../session/end-sessions.ts';
import { Layout } from './layout.tsx';

export const logoutPage = new Hono<AppEnv>()
  /** Asks and changes nothing: not only people follow links. */
  .get('/logout/', async (c) => {
    const signedIn = await currentSession(c);
    if (signedIn === null) return c.redirect(c.get('request').settings.ACCOUNT_LOGOUT_REDIRECT_URL, 302);
    const csrfToken = csrfTokenForForm(c, [signedIn.tokenHash], signedIn.session);
    return c.html(
      <Layout title="Sign out" username={signedIn.session.username}>
        <h1>Sign out?</h1>
        <p>This signs you out on this device. Your other devices stay signed in.</p>
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

  /** Confirmed means done: if the store can't confirm it, the error becomes 503 and the cookies stay. */
  .post('/logout/', async (c) => {
    const { kind, tokenHashes, others } = await authorizeSignOut(c);
    const all = { kind, tokenHashes: [...tokenHashes, ...others] };
    const logouts = await endSessions(c.get('request'), all, 'logout');
    if (logouts.length > 0) c.set('outcome', 'signed_out');
    else if (c.get('request').credentials.status === 'offered') c.set('outcome', 'already_signed_out');
    return redirectSignedOut(c);
  });

export function redirectSignedOut(c: AppContext): Response {
  expireCookies(c);
  return c.redirect(c.get('request').settings.ACCOUNT_LOGOUT_REDIRECT_URL, 303);
}
