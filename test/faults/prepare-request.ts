import { addUser, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import type { TestEnvironment } from '../support/test-environment.ts';
import type { Answer, Visitor } from '../support/visitor.ts';
import type { RequestRow } from './requests.ts';

/** A client and its user's sessions before a request. */
export interface Setup {
  readonly visitor: Visitor;
  /** Null without an account. */
  readonly userId: string | null;
  readonly username: string;
  /** The cookie that the client must keep; null without one. */
  readonly cookie: string | null;
  /** Secret of the client's session; empty without one. */
  readonly token: string;
  /** Public ids of the open sessions: the client's (empty without one) and the user's others. */
  readonly own: string;
  readonly others: readonly string[];
  /** The sign-in page as a browser got it before an outage; null if its form isn't used. */
  readonly page: Answer | null;
}

export interface PreparedRequest extends Setup {
  readonly row: RequestRow;
  /** Sends the request; a second time after the outage. */
  readonly send: () => Promise<Answer>;
}

/** A new user for this request, with the sessions that it needs. */
export async function prepareRequest(
  environment: TestEnvironment,
  row: RequestRow,
): Promise<PreparedRequest> {
  const user = row.from === 'anonymous' ? null : await addUser(environment.cloud);
  const sessions = await openSessions(environment, row, user);
  const page = row.from === 'form' ? await sessions.visitor.get('/sign-in/') : null;
  const setup = { ...sessions, page, userId: user?.id ?? null, username: user?.username ?? '' };
  return { ...setup, row, send: () => row.send(setup) };
}

async function openSessions(environment: TestEnvironment, { from }: RequestRow, user: TestUser | null) {
  if (user === null || from === 'anonymous' || from === 'form') {
    return { visitor: environment.worker.visitor(), cookie: null, token: '', own: '', others: [] };
  }
  const other = await seedSession(environment.cloud, user, { kind: 'bearer' });
  const others = [other.session.id];
  if (from === 'browser') {
    const { visitor, token, session } = await seedVisitor(environment, user);
    return { visitor, cookie: token, token, own: session.id, others };
  }
  const { token, session } = await seedSession(environment.cloud, user, { kind: 'bearer' });
  return { visitor: environment.worker.visitor(), cookie: null, token, own: session.id, others };
}
