import { sessionCookies } from '../session/cookies.ts';
import type { StartedSession } from '../session/start-session.ts';
import type { AppContext } from './context.ts';
import { cookieMaxAgeSeconds, setCsrfCookie } from './csrf.ts';

/** Sets both cookies of a session that was started or renewed; the CSRF cookie from before is invalid after it. */
export function setSessionCookies(c: AppContext, { token, tokenHash, session }: StartedSession): void {
  const { settings, url, clock } = c.get('request');
  const maxAgeSeconds = cookieMaxAgeSeconds(session, clock.nowMs());
  for (const cookie of sessionCookies(settings, url).session(token, maxAgeSeconds)) {
    c.header('Set-Cookie', cookie, { append: true });
  }
  setCsrfCookie(c, tokenHash, session);
}

/** Makes this browser known to the next sign-in under this name. */
export function setDeviceCookie(c: AppContext, deviceToken: string): void {
  const { settings, url } = c.get('request');
  c.header('Set-Cookie', sessionCookies(settings, url).device(deviceToken), { append: true });
}

/** Expires both cookies. The device stays known. */
export function expireCookies(c: AppContext): void {
  const { settings, url } = c.get('request');
  for (const cookie of sessionCookies(settings, url).expireAll()) {
    c.header('Set-Cookie', cookie, { append: true });
  }
}
