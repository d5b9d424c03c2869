import type { AppContext } from './context.ts';

/** Our pages, as they are mounted below `BASE_PATH`; the sign-in page is at `LOGIN_URL`. */
export type Page = '/' | '/home/' | '/logout/' | '/sessions/' | '/sessions/revoke/' | '/account/password/';

/** The path of something that we mount below `BASE_PATH`. */
export const belowBase = (basePath: string, path: string): string => basePath + path.slice(1);

/** The path of one of our pages on this host. */
export const pagePath = (c: AppContext, page: Page): string =>
  belowBase(c.get('request').settings.BASE_PATH, page);

/** The path of the sign-in page on this host. */
export function signInPath(c: AppContext): string {
  const { BASE_PATH, LOGIN_URL } = c.get('request').settings;
  return belowBase(BASE_PATH, LOGIN_URL);
}
