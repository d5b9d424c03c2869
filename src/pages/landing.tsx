import { Hono } from 'hono';
import { isStoreUnavailable } from '../errors.ts';
import type { AppContext, AppEnv } from '../http/context.ts';
import { currentSession } from '../http/guards.ts';
import { pagePath, signInPath } from '../http/page-path.ts';
import { renderPage } from './layout.tsx';

type Visitor = { readonly username: string } | 'anonymous' | 'unknown';

/** Public; says who is signed in, if anyone. Stays up in an outage. */
export const landingPage = new Hono<AppEnv>().get('/', async (c) => {
  const visitor = await findVisitor(c);
  return renderPage(
    c,
    { title: 'Welcome', username: typeof visitor === 'object' ? visitor.username : undefined },
    <>
      <h1>Sign in once. Sign out for real.</h1>
      <p>
        {c.get('request').settings.SITE_NAME} keeps your sessions at the edge of the network. When it says
        you're signed out, you are: on every server, at once.
      </p>
      {typeof visitor === 'object' ? (
        <>
          <p>
            You're signed in as <strong>{visitor.username}</strong>.
          </p>
          <p class="actions">
            <a class="button" href={pagePath(c, '/home/')}>
              Go to your home page
            </a>
            <a class="button quiet" href={pagePath(c, '/logout/')}>
              Sign out
            </a>
          </p>
        </>
      ) : (
        <>
          {visitor === 'unknown' ? (
            <p class="notice" role="status">
              We can't check your session right now. Nothing is lost; try again in a moment.
            </p>
          ) : (
            <p>You're not signed in.</p>
          )}
          <p class="actions">
            <a class="button" href={signInPath(c)}>
              Sign in
            </a>
          </p>
        </>
      )}
    </>,
  );
});

async function findVisitor(c: AppContext): Promise<Visitor> {
  try {
    const signedIn = await currentSession(c);
    return signedIn === null ? 'anonymous' : { username: signedIn.session.username };
  } catch (error) {
    if (isStoreUnavailable(error)) return 'unknown';
    throw error;
  }
}
