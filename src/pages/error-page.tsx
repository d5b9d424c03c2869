import type { Reason } from '../errors.ts';
import type { AppContext } from '../http/context.ts';
import { pagePath } from '../http/page-path.ts';
import { describeProblem } from '../http/problem-texts.ts';
import { respondWithProblem } from '../http/problems.ts';
import { textsFor } from './language.ts';
import { renderPage } from './layout.tsx';

/** Responds with what went wrong: as a page, or as problem+json for clients that read it. */
export function respondWithReason(c: AppContext, reason: Reason): Response | Promise<Response> {
  return respondWithProblem(c, reason, () => renderProblem(c, reason));
}

/** Where to retry a sign-out that wasn't confirmed: on the page it came from. Null: there is nothing to retry. */
function retryAddress(c: AppContext, reason: Reason): string | null {
  if (reason.code !== 'store_unavailable' || reason.unconfirmed !== 'sign_out') return null;
  const logout = pagePath(c, '/logout/');
  return c.req.path === logout ? logout : pagePath(c, '/sessions/');
}

function renderProblem(c: AppContext, reason: Reason) {
  const texts = textsFor(c);
  const { title, detail } = describeProblem(reason, texts.problems);
  const retryAt = retryAddress(c, reason);
  return renderPage(
    c,
    { texts, title },
    <>
      <h1>{title}</h1>
      <p>{detail}</p>
      <p class="actions">
        {retryAt === null ? null : (
          <a class="button" href={retryAt}>
            {texts.tryAgain}
          </a>
        )}{' '}
        <a class="button quiet" href={pagePath(c, '/')}>
          {texts.goHome}
        </a>
      </p>
      <p class="fine">{texts.request(<bdi dir="ltr">{c.get('request').requestId}</bdi>)}</p>
    </>,
  );
}
