import { addUser, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import type { Stage } from '../support/stage.ts';
import type { Answer, Visitor } from '../support/visitor.ts';
import type { RequestRow } from './requests.ts';

/** A user's sessions before a request. */
export interface OpenedScene {
  readonly visitor: Visitor;
  /** Null where nobody has an account. */
  readonly userId: string | null;
  readonly username: string;
  /** The cookie that must be kept; null without one. */
  readonly cookie: string | null;
  /** Secret of the session that asks; empty without one. */
  readonly token: string;
  /** Public ids of the sessions that are open: the one that asks (empty without one), and others. */
  readonly own: string;
  readonly others: readonly string[];
  /** The sign-in page as a browser got it before an outage; null where no form is to be sent. */
  readonly page: Answer | null;
}

export interface Scene extends OpenedScene {
  /** Sends the request; a second time after the outage. */
  ask(): Promise<Answer>;
}

/** A user of its own for this request, with the sessions that it needs. */
export async function openScene(stage: Stage, row: RequestRow): Promise<Scene> {
  const user = row.asks === 'nobody' ? null : await addUser(stage.cloud);
  const sessions = await openSessions(stage, row, user);
  const page = row.asks === 'somebody' ? await sessions.visitor.get('/sign-in/') : null;
  const opened = { ...sessions, page, userId: user?.id ?? null, username: user?.username ?? '' };
  return { ...opened, ask: () => row.send(opened) };
}

async function openSessions(stage: Stage, { asks }: RequestRow, user: TestUser | null) {
  if (user === null || asks === 'nobody' || asks === 'somebody') {
    return { visitor: stage.worker.visitor(), cookie: null, token: '', own: '', others: [] };
  }
  const other = await seedSession(stage.cloud, user, { kind: 'bearer' });
  const others = [other.session.id];
  if (asks === 'browser') {
    const { visitor, token, session } = await seedVisitor(stage, user);
    return { visitor, cookie: token, token, own: session.id, others };
  }
  const { token, session } = await seedSession(stage.cloud, user, { kind: 'bearer' });
  return { visitor: stage.worker.visitor(), cookie: null, token, own: session.id, others };
}
