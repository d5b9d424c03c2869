import { demand } from './doctor.ts';

/** The attributes of a `Set-Cookie` line, names in lower case; a flag is an empty text. */
export function attributesOf(setCookie: string): ReadonlyMap<string, string> {
  const [, ...parts] = setCookie.split(';');
  return new Map(
    parts.map((part) => {
      const [name = '', value = ''] = part.trim().split('=');
      return [name.toLowerCase(), value] as const;
    }),
  );
}

export const nameOf = (setCookie: string): string => setCookie.slice(0, setCookie.indexOf('='));
export const valueOf = (setCookie: string): string =>
  setCookie.slice(setCookie.indexOf('=') + 1).split(';')[0] ?? '';

/** The last line that sets this cookie; undefined: none. */
export const findSetCookie = (lines: readonly string[], name: string): string | undefined =>
  lines.findLast((line) => nameOf(line) === name);

export interface WantedFlags {
  readonly isHttpOnly: boolean;
  readonly isSecure: boolean;
  /** True: the cookie ends with the browser. */
  readonly isSessionCookie: boolean;
}

/** Requires `HttpOnly`, `Secure`, `SameSite` and `Path` to be as they should (RFC 6265bis, OWASP Session Management). */
export function requireFlags(setCookie: string, wanted: WantedFlags): void {
  const name = nameOf(setCookie);
  const attributes = attributesOf(setCookie);
  demand(
    attributes.has('httponly') === wanted.isHttpOnly,
    `${name} is ${wanted.isHttpOnly ? 'not ' : ''}HttpOnly`,
  );
  demand(!wanted.isSecure || attributes.has('secure'), `${name} is not Secure`);
  demand(attributes.get('samesite')?.toLowerCase() === 'lax', `${name} is not SameSite=Lax`);
  demand(attributes.get('path') === '/', `${name} is not for Path=/`);
  if (wanted.isSessionCookie) {
    demand(
      !attributes.has('max-age') && !attributes.has('expires'),
      `${name} outlives the browser without Remember me`,
    );
  }
}
