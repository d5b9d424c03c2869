import type { AppContext } from '../http/context.ts';
import { pagePath, signInPath } from '../http/page-path.ts';
import {
  readCookieValues,
  RETURNS_COOKIE_AGE_SECONDS,
  RETURNS_COOKIE_NAME,
  sessionCookies,
} from '../session/cookies.ts';
import { textsFor } from './language.ts';
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
  const texts = textsFor(c);
  const { returnLoop } = texts;
  return renderPage(
    c,
    { texts, title: returnLoop.title(host), username },
    <>
      <h1>{returnLoop.heading(host)}</h1>
      <p>{returnLoop.intro(host)}</p>
      <ul>
        {returnLoop.questions(host).map((question) => (
          <li>{question}</li>
        ))}
      </ul>
      <p class="actions">
        <a class="button" href={destination}>
          {texts.tryAgain}
        </a>{' '}
        <a class="button quiet" href={pagePath(c, '/home/')}>
          {returnLoop.yourHome}
        </a>
      </p>
    </>,
  );
}
