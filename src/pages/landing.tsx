import { Hono } from '../http/hono.ts';
import { isStoreUnavailable } from '../errors.ts';
import type { AppContext } from '../http/context.ts';
import { currentSession } from '../http/guards.ts';
import { pagePath, signInPath } from '../http/page-path.ts';
import { textsFor } from './language.ts';
import { renderPage, Username } from './layout.tsx';
import { signedOutJustNow, SignedOutNotice } from './signed-out-notice.tsx';

type Visitor = { readonly username: string } | 'anonymous' | 'unknown';

/** Public; says who is signed in, if anyone. Stays up in an outage. */
export const landingPage = new Hono().get('/', async (c) => {
  const visitor = await findVisitor(c);
  const texts = textsFor(c);
  const { landing } = texts;
  const description = landing.promise(c.get('request').settings.SITE_NAME);
  return renderPage(
    c,
    {
      texts,
      title: landing.title,
      description,
      username: typeof visitor === 'object' ? visitor.username : undefined,
    },
    <>
      <h1>{landing.heading}</h1>
      {visitor === 'anonymous' && signedOutJustNow(c) ? <SignedOutNotice texts={texts} /> : null}
      <p>{description}</p>
      {typeof visitor === 'object' ? (
        <>
          <p>{landing.signedInAs(<Username name={visitor.username} />)}</p>
          <p class="actions">
            <a class="button" href={pagePath(c, '/home/')}>
              {landing.goHome}
            </a>{' '}
            <a class="button quiet" href={pagePath(c, '/logout/')}>
              {texts.signOut}
            </a>
          </p>
        </>
      ) : (
        <>
          {visitor === 'unknown' ? (
            <p class="notice" role="status">
              {landing.unknown}
            </p>
          ) : (
            <p>{landing.notSignedIn}</p>
          )}
          <p class="actions">
            <a class="button" href={signInPath(c)}>
              {texts.signIn}
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
