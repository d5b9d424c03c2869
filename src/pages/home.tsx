import { Hono } from '../http/hono.ts';
import { CSRF_FIELD, csrfTokenForForm } from '../http/csrf.ts';
import { requireSignIn } from '../http/guards.ts';
import { pagePath } from '../http/page-path.ts';
import { textsFor } from './language.ts';
import { renderPage } from './layout.tsx';
import { Place } from './place.tsx';
import { ExactTime, FullTime, Time } from './time.tsx';

/** The first page after signing in. */
export const homePage = new Hono().get('/home/', requireSignIn(), async (c) => {
  const { session, tokenHash } = c.get('signedIn');
  const csrfToken = csrfTokenForForm(c, [tokenHash], session);
  const nowMs = c.get('request').clock.nowMs();
  const texts = textsFor(c);
  const { home } = texts;
  return renderPage(
    c,
    { texts, title: home.title, username: session.username },
    <>
      <h1>{home.greeting(session.username)}</h1>
      <p>{home.signedIn}</p>
      <dl>
        <dt>{home.since}</dt>
        <dd>
          <FullTime atMs={session.createdAtMs} nowMs={nowMs} texts={texts} />
        </dd>
        <dt>{home.from}</dt>
        <dd>
          <Place client={session.client} unknown={home.unknownAddress} texts={texts} />
        </dd>
        <dt>{home.until}</dt>
        <dd>
          {home.atLatest(<Time atMs={session.expiresAtMs} nowMs={nowMs} texts={texts} />, session.rememberMe)}
          <br />
          <small>
            <ExactTime atMs={session.expiresAtMs} texts={texts} />
          </small>
        </dd>
      </dl>
      <form class="actions" method="post" action={pagePath(c, '/logout/')}>
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        <button type="submit">{texts.signOut}</button>{' '}
        <a class="button quiet" href={pagePath(c, '/sessions/')}>
          {texts.yourSessions}
        </a>
      </form>
    </>,
  );
});
