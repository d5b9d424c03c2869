import type { Reason } from '../errors.ts';
import type { AppContext } from '../http/context.ts';
import { pagePath } from '../http/page-path.ts';
import { respondWithProblem, type Problem } from '../http/problems.ts';
import { renderPage } from './layout.tsx';

/** Responds with what went wrong: as a page, or as problem+json for clients that read it. */
export function respondWithReason(c: AppContext, reason: Reason): Response | Promise<Response> {
  return respondWithProblem(c, reason, (problem) => renderProblem(c, problem, retryAddress(c, reason)));
}

/** Where to retry a sign-out that wasn't confirmed: on the page it came from. */
function retryAddress(c: AppContext, reason: Reason): string | null {
  if (reason.code !== 'store_unavailable' || reason.unconfirmed !== 'sign_out') return null;
  const logout = pagePath(c, '/logout/');
  return c.req.path === logout ? logout : pagePath(c, '/sessions/');
}

/** `retryAt` null: there is nothing to retry. */
function renderProblem(c: AppContext, { title, detail }: Problem, retryAt: string | null) {
  return renderPage(
    c,
    { title },
    <>
      <h1>{title}</h1>
      <p>{detail}</p>
      <p class="actions">
        {retryAt === null ? null : (
          <a class="button" href={retryAt}>
            Try again
          </a>
        )}
        <a class="button quiet" href={pagePath(c, '/')}>
          Go to the home page
        </a>
      </p>
      <p class="fine">Request {c.get('request').requestId}</p>
    </>,
  );
}
