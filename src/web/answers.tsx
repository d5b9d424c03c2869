import { accepts } from 'hono/accepts';
import { problemOf, type Reason } from '../errors.ts';
import { ErrorPage } from '../pages/error-page.tsx';
import type { AppContext } from './request-context.ts';

/** Names the kind of problem, for programs (RFC 9457 section 3.1.1); the same word as `code`. */
const problemType = (code: string): string => `urn:cloud-hoskie:problem:${code}`;

/** Whether this client reads problem+json rather than pages. */
export function prefersJson(c: AppContext): boolean {
  if (c.req.path.startsWith('/api/')) return true;
  const best = accepts(c, {
    header: 'Accept',
    supports: ['text/html', 'application/json', 'application/problem+json'],
    default: 'text/html',
  });
  return best !== 'text/html';
}

/** Where to try again a sign-out that was not confirmed: at the page that it came from. */
function retryAddress(c: AppContext, reason: Reason): string | null {
  if (reason.code !== 'store_unavailable' || reason.unconfirmed !== 'sign_out') return null;
  return c.req.path === '/logout/' ? '/logout/' : '/sessions/';
}

/** Answers what went wrong, as a page or as `application/problem+json` (RFC 9457). */
export function answerReason(c: AppContext, reason: Reason): Response | Promise<Response> {
  const problem = problemOf(reason);
  c.set('outcome', reason.code);
  for (const [name, value] of Object.entries(problem.headers)) {
    // A challenge would make a browser ask for a password of its own; it is for API clients.
    if (name !== 'WWW-Authenticate' || prefersJson(c)) c.header(name, value);
  }
  if (!prefersJson(c))
    return c.html(
      <ErrorPage problem={problem} requestId={c.get('requestId')} retryAt={retryAddress(c, reason)} />,
      problem.status,
    );
  return c.body(
    JSON.stringify({
      type: problemType(reason.code),
      title: problem.title,
      status: problem.status,
      detail: problem.detail,
      code: reason.code,
      request_id: c.get('requestId'),
      ...(reason.code === 'invalid_fields' ? { errors: reason.errors } : {}),
    }),
    problem.status,
    { 'Content-Type': 'application/problem+json' },
  );
}
