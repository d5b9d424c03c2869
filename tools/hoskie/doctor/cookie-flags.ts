import { Cookie } from 'tough-cookie';
import type { TextResponse } from '../../browser.ts';
import { demand } from './doctor.ts';

/** The cookie of that name as the response sets it, the last one if there are several. Undefined: it sets none. */
export const findSetCookie = ({ setCookies }: TextResponse, name: string): Cookie | undefined =>
  setCookies.map((line) => Cookie.parse(line)).findLast((cookie) => cookie?.key === name);

export interface WantedFlags {
  readonly isHttpOnly: boolean;
  readonly isSecure: boolean;
  /** True: the cookie ends with the browser. */
  readonly isSessionCookie: boolean;
}

/** Checks `HttpOnly`, `Secure`, `SameSite` and `Path` (RFC 6265bis, OWASP Session Management). */
export function requireFlags(cookie: Cookie, wanted: WantedFlags): void {
  const { key: name } = cookie;
  demand(cookie.httpOnly === wanted.isHttpOnly, `${name} is ${wanted.isHttpOnly ? 'not ' : ''}HttpOnly`);
  demand(!wanted.isSecure || cookie.secure, `${name} is not Secure`);
  demand(cookie.sameSite === 'lax', `${name} is not SameSite=Lax`);
  demand(cookie.path === '/', `${name} is not for Path=/`);
  if (wanted.isSessionCookie)
    demand(!cookie.isPersistent(), `${name} outlives the browser without Remember me`);
}
