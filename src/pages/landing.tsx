import { Hono } from 'hono/tiny';
import { StoreUnavailableError } from '../store/store-call.ts';
import type { AppContext, AppEnv } from '../web/request-context.ts';
import { findSignedIn } from '../web/sign-in-guard.ts';
import { Layout } from './layout.tsx';

type Visitor = { readonly username: string } | 'nobody' | 'unknown';

/** Public; says who is signed in, if anyone. No wait without a session cookie, one with; outages are survived. */
export const landingPage = new Hono<AppEnv>().get('/', async (c) => {
  const visitor = await findVisitor(c);
  const { LOGIN_URL } = c.get('request').settings;
  return c.html(
    <Layout title="Welcome" username={typeof visitor === 'object' ? visitor.username : undefined}>
      <h1>Sign in once, sign out for sure</h1>
      <p>
        Cloud Hoskie keeps your sessions at the edge of the network. When it says that you are signed out, you
        are: on every server, at once.
      </p>
      {typeof visitor === 'object' ? (
        <>
          <p>
            You are signed in as <strong>{visitor.username}</strong>.
          </p>
          <p class="actions">
            <a class="button" href="/home/">
              Go to your home page
            </a>
            <a class="button quiet" href="/logout/">
              Sign out
            </a>
          </p>
        </>
      ) : (
        <>
          {visitor === 'unknown' ? (
            <p class="notice" role="status">
              Who is signed in cannot be told at the moment. Nothing is lost; try again in a moment.
            </p>
          ) : (
            <p>You are not signed in.</p>
          )}
          <p class="actions">
            <a class="button" href={LOGIN_URL}>
              Sign in
            </a>
          </p>
        </>
      )}
    </Layout>,
  );
});

async function findVisitor(c: AppContext): Promise<Visitor> {
  try {
    const signedIn = await findSignedIn(c);
    return signedIn === null ? 'nobody' : { username: signedIn.session.username };
  } catch (error) {
    if (error instanceof StoreUnavailableError) return 'unknown';
    throw error;
  }
}
