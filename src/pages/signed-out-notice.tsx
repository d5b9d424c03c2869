import type { AppContext } from '../http/context.ts';
import { readCookieValues, SIGNED_OUT_COOKIE_NAME } from '../session/cookies.ts';
import type { Texts } from './texts/texts.ts';

export const SIGNED_OUT_ID = 'signed-out';

/** Whether the visitor signed out with the request before, as far as a cookie that lives a second can tell. */
export const signedOutJustNow = (c: AppContext): boolean =>
  readCookieValues(c.req.header('Cookie') ?? null, SIGNED_OUT_COOKIE_NAME).includes('1');

export const SignedOutNotice = ({ texts }: { texts: Texts }) => (
  <p class="notice" role="status" id={SIGNED_OUT_ID}>
    {texts.signedOut}
  </p>
);
