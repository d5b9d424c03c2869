import type { Problem } from '../errors.ts';
import { Layout } from './layout.tsx';

interface ErrorPageProps {
  readonly problem: Problem;
  readonly requestId: string;
  /** Where to try again; null: nowhere in particular. */
  readonly retryAt: string | null;
}

/** Says what happened, in words for people; knows nothing of who is signed in. */
export function ErrorPage({ problem, requestId, retryAt }: ErrorPageProps) {
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
          Back to the start
        </a>
      </p>
      <p class="fine">Request {requestId}</p>
    </Layout>
  );
}
