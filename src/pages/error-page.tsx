import type { Problem } from '../errors.ts';
import { Layout } from './layout.tsx';

/** Says what happened, in words for people; knows nothing of who is signed in. */
export function ErrorPage({ problem, requestId }: { problem: Problem; requestId: string }) {
  return (
    <Layout title={problem.title}>
      <h1>{problem.title}</h1>
      <p>{problem.detail}</p>
      <p>
        <a href="/">Back to the start</a>
      </p>
      <p class="fine">Request {requestId}</p>
    </Layout>
  );
}
