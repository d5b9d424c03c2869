import { Hono } from 'hono';
import type { AppEnv } from '../http/context.ts';
import { CSRF_FIELD, csrfTokenForForm } from '../http/csrf.ts';
import { requireSignIn } from '../http/guards.ts';
import { pagePath } from '../http/page-path.ts';
import { Time } from './time.tsx';
import { renderPage } from './layout.tsx';

/** The first page after signing in. */
export const homePage = new Hono<AppEnv>().get('/home/', requireSignIn(), async (c) => {
  const { session, tokenHash } = c.get('signedIn');
  const csrfToken = csrfTokenForForm(c, [tokenHash], session);
  const nowMs = c.get('request').clock.nowMs();
  return renderPage(
    c,
    { title: 'Home', username: session.username },
    <>
      <h1>Hello, {session.username}</h1>
      <p>You're signed in on this device.</p>
      <dl>
        <dt>Since</dt>
        <dd>
          <Time atMs={session.createdAtMs} nowMs={nowMs} />
        </dd>
        <dt>From</dt>
        <dd>{session.client.ipAddress ?? 'an unknown address'}</dd>
        <dt>Until</dt>
        <dd>
          <Time atMs={session.expiresAtMs} nowMs={nowMs} /> at the latest
          {session.rememberMe ? ', because you chose Remember me' : ', or until you close the browser'}
        </dd>
      </dl>
      <form class="actions" method="post" action={pagePath(c, '/logout/')}>
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        <button type="submit">Sign out</button>
        <a class="button quiet" href={pagePath(c, '/sessions/')}>
          Your sessions
        </a>
      </form>
    </>,
  );
});
