import { expireCookies } from '../http/response-cookies.ts';
import { Hono } from 'hono';
import { isCsrfFailure } from '../errors.ts';
import type { AppContext, AppEnv, SignedIn } from '../http/context.ts';
import { CSRF_FIELD, csrfRefusal, csrfTokenForForm } from '../http/csrf.ts';
import { requireForm } from '../http/form-body.ts';
import { currentSession, authorizeSignOut } from '../http/guards.ts';
import { respondWithProblem } from '../http/problems.ts';
import { endSessions } from '../session/end-sessions.ts';
import { allTokens, type AuthorizedTokens } from '../session/session-store.ts';
import { Layout } from './layout.tsx';

export const logoutPage = new Hono<AppEnv>()
  /** Asks and changes nothing: not only people follow links. */
  .get('/logout/', async (c) => {
    const signedIn = await currentSession(c);
    if (signedIn === null) return c.redirect(c.get('request').settings.ACCOUNT_LOGOUT_REDIRECT_URL, 302);
    return c.html(askToSignOut(c, signedIn, null));
  })

  /** Confirmed means done: if the store can't confirm it, the error becomes 503 and the cookies stay. */
  .post('/logout/', requireForm(), async (c) => {
    let authorized: AuthorizedTokens;
    try {
      authorized = await authorizeSignOut(c);
    } catch (error) {
      if (!isCsrfFailure(error)) throw error;
      return askAgain(c, error);
    }
    const logouts = await endSessions(c.get('request'), allTokens(authorized), 'logout');
    if (logouts.length > 0) c.set('outcome', 'signed_out');
    else if (c.get('request').credentials.status === 'offered') c.set('outcome', 'already_signed_out');
    return redirectSignedOut(c);
  });

/** A button from before the last sign-in is no dead end: the page asks, with a fresh token. */
async function askAgain(c: AppContext, error: Error): Promise<Response> {
  const signedIn = await currentSession(c);
  if (signedIn === null) throw error;
  return respondWithProblem(c, csrfRefusal(c), ({ status, detail }) =>
    c.html(askToSignOut(c, signedIn, detail), status),
  );
}

function askToSignOut(c: AppContext, { session, tokenHash }: SignedIn, problem: string | null) {
  const csrfToken = csrfTokenForForm(c, [tokenHash], session);
  return (
    <Layout title="Sign out" username={session.username}>
      <h1>Sign out?</h1>
      {problem === null ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <p>This signs you out on this device. Your other devices stay signed in.</p>
      <form class="actions" method="post" action="/logout/">
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        <button type="submit">Sign out</button>
        <a class="button quiet" href="/home/">
          Stay signed in
        </a>
      </form>
    </Layout>
  );
}

export function redirectSignedOut(c: AppContext): Response {
  expireCookies(c);
  return c.redirect(c.get('request').settings.ACCOUNT_LOGOUT_REDIRECT_URL, 303);
}
