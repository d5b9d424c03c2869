import fc from 'fast-check';
import type { SoakClient } from './client.ts';
import { signInAsApp, signInInBrowser } from './sign-in.ts';
import { revokeMany, revokeOne, signOut } from './sign-out.ts';

/** Open sessions that one client has at once. */
const SESSIONS_MAX = 3;

/** How often a client does what. */
const WEIGHTS = {
  check: 40,
  list: 10,
  signOut: 14,
  revokeOne: 8,
  revokeOthers: 4,
  revokeAll: 3,
  signIn: 12,
  replace: 5,
} as const;
type Action = keyof typeof WEIGHTS;

export interface ActionChoice {
  readonly action: Action;
  /** Through a page rather than the API. */
  readonly onPage: boolean;
  /** Indexes, modulo the length of the list to choose from. */
  readonly session: number;
  readonly other: number;
}

export const anyAction: fc.Arbitrary<ActionChoice> = fc.record({
  action: fc.oneof(
    ...Object.entries(WEIGHTS).map(([action, weight]) => ({
      weight,
      arbitrary: fc.constant(action as Action),
    })),
  ),
  onPage: fc.boolean(),
  session: fc.nat(),
  other: fc.nat(),
});

/** Carries out the next action that this client's sessions allow. */
export async function act(
  client: SoakClient,
  choose: () => ActionChoice,
  queueSignIn: (signIn: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const choice = choose();
  const open = client.openSessions();
  const session = open[choice.session % open.length];
  const signIn = () => (choice.onPage ? signInInBrowser(client, null) : signInAsApp(client));
  if (session === undefined) return queueSignIn(signIn);
  const isCookie = session.kind === 'cookie';
  const onPage = isCookie && choice.onPage;
  switch (choice.action) {
    case 'check':
      return client.check(session, onPage);
    case 'list':
      await client.list(session);
      return;
    case 'signOut':
      return signOut(client, session, onPage);
    case 'revokeOne':
      return revokeOne(client, session, onPage, (ids) => ids[choice.other % ids.length]!);
    case 'revokeOthers':
      return revokeMany(client, session, onPage, 'others');
    case 'revokeAll':
      return revokeMany(client, session, onPage, 'all');
    case 'signIn':
      return open.length < SESSIONS_MAX ? queueSignIn(signIn) : client.check(session, onPage);
    case 'replace':
      return isCookie ? queueSignIn(() => signInInBrowser(client, session)) : client.check(session, onPage);
  }
}
