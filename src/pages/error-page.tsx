import type { Reason } from '../errors.ts';
import type { AppContext } from '../http/context.ts';
import { respondWithProblem, type Problem } from '../http/problems.ts';
import { Layout } from './layout.tsx';

/** Responds with what went wrong: as a page, or as problem+json for clients that read it. */
export function respondWithReason(c: AppContext, reason: Reason): Response | Promise<Response> {
  return respondWithProblem(c, reason, (problem) =>
    c.html(
      <ErrorPage
        problem={problem}
        requestId={c.get('request').requestId}
        retryAt={retryAddress(c, reason)}
      />,
      problem.status,
    ),
  );
}

/** Where to retry a sign-out that wasn't confirmed: on the page it came from. */
function retryAddress(c: AppContext, reason: Reason): string | null {
  if (reason.code !== 'store_unavailable' || reason.unconfirmed !== 'sign_out') return null;
  return c.req.path === '/logout/' ? '/logout/' : '/sessions/';
}

interface ErrorPageProps {
  readonly problem: Problem;
  readonly requestId: string;
  /** Null: there is nothing to retry. */
  readonly retryAt: string | null;
}

function ErrorPage({ problem, requestId, retryAt }: ErrorPageProps) {
  return (
    <Layout title={problem.title}>
      <h1>{problem.title}</h1>
      <p>{problem.detail}</p>
      <p class="actions">
        {retryAt === null ? null : (
          <a class="button" href={retryAt}>
            Try again
          </a>
        )}
        <a class="button quiet" href="/">
          Go to the home page
        </a>
      </p>
      <p class="fine">Request {requestId}</p>
    </Layout>
  );
}
