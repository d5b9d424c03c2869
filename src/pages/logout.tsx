import { expireCookies } from '../http/response-cookies.ts';
import { Hono } from '../http/hono.ts';
import { isCsrfFailure, type Reason } from '../errors.ts';
import type { AppContext, SignedIn } from '../http/context.ts';
import { CSRF_FIELD, csrfRefusal, csrfTokenForForm } from '../http/csrf.ts';
import { readForm, requireForm } from '../http/form-body.ts';
import { authorizeSignOut, currentSession, nextOr } from '../http/guards.ts';
import { pagePath } from '../http/page-path.ts';
import { describeProblem } from '../http/problem-texts.ts';
import { respondWithProblem } from '../http/problems.ts';
import { endSessions } from '../session/end-sessions.ts';
import { allTokens, type AuthorizedTokens } from '../session/session-store.ts';
import { FormProblem, titleWithProblem } from './form-problem.tsx';
import { textsFor } from './language.ts';
import { renderPage } from './layout.tsx';

export const logoutPage = new Hono()
  /** Asks and changes nothing: not only people follow links. */
  .get('/logout/', async (c) => {
    const signedIn = await currentSession(c);
    const next = c.req.query('next') ?? '';
    if (signedIn === null) return c.redirect(afterSignOut(c, next), 302);
    return askToSignOut(c, signedIn, next, null);
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
    return redirectSignedOut(c, await formNext(c));
  });

/** A button from before the last sign-in is no dead end: the page asks, with a fresh token. */
async function askAgain(c: AppContext, error: Error): Promise<Response> {
  const signedIn = await currentSession(c);
  if (signedIn === null) throw error;
  const next = await formNext(c);
  const refusal = csrfRefusal(c);
  return respondWithProblem(c, refusal, () => askToSignOut(c, signedIn, next, refusal));
}

function askToSignOut(
  c: AppContext,
  { session, tokenHash }: SignedIn,
  next: string,
  problem: Reason | null,
): Response | Promise<Response> {
  const csrfToken = csrfTokenForForm(c, [tokenHash], session);
  const texts = textsFor(c);
  return renderPage(
    c,
    { texts, title: titleWithProblem(texts.signOut, problem, texts), username: session.username },
    <>
      <h1>{texts.logout.heading}</h1>
      {problem === null ? null : <FormProblem>{describeProblem(problem, texts.problems).detail}</FormProblem>}
      <p>{texts.logout.onThisDevice}</p>
      <form class="actions" method="post" action={pagePath(c, '/logout/')}>
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        <input type="hidden" name="next" value={next} />
        <button type="submit">{texts.signOut}</button>{' '}
        <a class="button quiet" href={pagePath(c, '/home/')}>
          {texts.logout.stay}
        </a>
      </form>
    </>,
  );
}

/** The form's `next`, else that of the address, as in Django. What can't be read keeps nobody from signing out. */
async function formNext(c: AppContext): Promise<string> {
  const { next = c.req.query('next') } = await readForm(c).catch((): Record<string, unknown> => ({}));
  return typeof next === 'string' ? next : '';
}

/** Where a visitor goes after signing out: a safe `next`, else `ACCOUNT_LOGOUT_REDIRECT_URL`. */
function afterSignOut(c: AppContext, next: string): string {
  return nextOr(c, next, c.get('request').settings.ACCOUNT_LOGOUT_REDIRECT_URL);
}

export function redirectSignedOut(c: AppContext, next = ''): Response {
  expireCookies(c);
  return c.redirect(afterSignOut(c, next), 303);
}
