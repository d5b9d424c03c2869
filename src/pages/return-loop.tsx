import type { AppContext } from '../http/context.ts';
import { pagePath, signInPath } from '../http/page-path.ts';
import {
  readCookieValues,
  RETURNS_COOKIE_AGE_SECONDS,
  RETURNS_COOKIE_NAME,
  sessionCookies,
} from '../session/cookies.ts';
import { renderPage } from './layout.tsx';

/** The return to one host, within the age of the cookie, that can't be meant any more. */
const LOOPING_RETURN = 3;

/** Count, start in Unix ms, host. */
const RETURNS = /^(\d)\.(\d{1,15})@(.+)$/;

/**
 * Counts, in a cookie of ten seconds, that a signed-in browser is sent back to an app. Returns the app's host if this is the
 * third time: the app doesn't see the session, and sends the browser here each time. Otherwise null.
 */
export function findLoopingHost(c: AppContext, destination: string): string | null {
  const { settings, url, clock } = c.get('request');
  const { origin, host, pathname } = new URL(destination, url);
  if (origin === url.origin && pathname.startsWith(settings.BASE_PATH)) return null;
  const nowMs = clock.nowMs();
  const [cookie = ''] = readCookieValues(c.req.header('Cookie') ?? null, RETURNS_COOKIE_NAME);
  const [, count = '0', startedAt = '', previousHost] = RETURNS.exec(cookie) ?? [];
  const ageMs = nowMs - Number(startedAt);
  const goesOn = previousHost === host && ageMs >= 0 && ageMs < RETURNS_COOKIE_AGE_SECONDS * 1000;
  const returns = goesOn ? Number(count) + 1 : 1;
  if (returns >= LOOPING_RETURN) return host;
  const value = `${returns}.${goesOn ? startedAt : nowMs}@${host}`;
  c.header('Set-Cookie', sessionCookies(settings, url).returns(value, signInPath(c)), { append: true });
  return null;
}

/** In place of the third redirect: says what is wrong, and leads on. */
export function renderReturnLoop(
  c: AppContext,
  host: string,
  destination: string,
  username: string,
): Response | Promise<Response> {
  c.set('outcome', 'return_loop');
  return renderPage(
    c,
    { title: `Signed in, but ${host} doesn't see it`, username },
    <>
      <h1>You are signed in, but {host} doesn't see it</h1>
      <p>
        It sent you here to sign in three times within ten seconds. Try again in a moment. If it goes on, ask
        the people who run {host} to check:
      </p>
      <ul>
        <li>
          Does it get the session cookie? It does only if this service is reached through {host} itself, or if
          SESSION_COOKIE_DOMAIN covers both.
        </li>
        <li>Does it ask this service about each request, and pass the cookie on?</li>
        <li>Is its clock right, and does it compare aud with the address that your browser shows?</li>
      </ul>
      <p class="actions">
        <a class="button" href={destination}>
          Try again
        </a>
        <a class="button quiet" href={pagePath(c, '/home/')}>
          Your home page
        </a>
      </p>
    </>,
  );
}
