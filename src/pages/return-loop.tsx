import type { AppContext } from '../http/context.ts';
import { pagePath } from '../http/page-path.ts';
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
 * Counts, in a cookie of ten seconds, that a signed-in browser is sent back to another host. Returns that host if this is
 * the third time: the app there doesn't see the session, and sends the browser here each time. Otherwise null.
 */
export function findLoopingHost(c: AppContext, destination: string): string | null {
  if (destination.startsWith('/')) return null;
  const { host } = new URL(destination);
  const { settings, url, clock } = c.get('request');
  const nowMs = clock.nowMs();
  const [cookie = ''] = readCookieValues(c.req.header('Cookie') ?? null, RETURNS_COOKIE_NAME);
  const [, count = '0', startedAt = '', previousHost] = RETURNS.exec(cookie) ?? [];
  const goesOn = previousHost === host && nowMs - Number(startedAt) < RETURNS_COOKIE_AGE_SECONDS * 1000;
  const returns = goesOn ? Number(count) + 1 : 1;
  if (returns >= LOOPING_RETURN) return host;
  const value = `${returns}.${goesOn ? startedAt : nowMs}@${host}`;
  c.header('Set-Cookie', sessionCookies(settings, url).returns(value), { append: true });
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
    { title: 'Signed in, but not there', username },
    <>
      <h1>You are signed in, but {host} doesn't see it</h1>
      <p>
        It sent you here to sign in three times within ten seconds. Try again in a moment. If it goes on, ask
        the people who run {host} to check:
      </p>
      <ul>
        <li>
          Does it get the session cookie? Either this service is reached through {host} itself, or the cookie
          is set for a domain that both share.
        </li>
        <li>Does it ask this service about each request, and pass the cookie on?</li>
        <li>Is its clock right, and does it know itself by the address in your browser?</li>
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
