import type { AppContext } from '../http/context.ts';
import { readCookieValues, SIGNED_OUT_COOKIE_NAME } from '../session/cookies.ts';
import type { Texts } from './texts/texts.ts';

/** On the page after a sign-out, if it comes within the second that the cookie lives. */
export function SignedOutNotice({ c, texts }: { c: AppContext; texts: Texts }) {
  const values = readCookieValues(c.req.header('Cookie') ?? null, SIGNED_OUT_COOKIE_NAME);
  if (!values.includes('1')) return null;
  return (
    <p class="notice" role="status">
      {texts.signedOut}
    </p>
  );
}
