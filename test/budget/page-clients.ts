import { ACCOUNT_NETWORK_LIMIT, type AttemptSource } from '../../src/auth/throttle.ts';
import { csrfTokens } from '../../src/http/csrf-tokens.ts';
import { networkOf } from '../../src/lib/client-info.ts';
import { uuidV7, type UserId } from '../../src/lib/ids.ts';
import type { Session } from '../../src/session/session.ts';
import { openCloudStores } from '../stores/open-cloud-stores.ts';
import { addUser, type NewUser, type TestUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import type { TestEnvironment } from '../support/test-environment.ts';
import type { Visitor } from '../support/visitor.ts';
import { SECRET_KEY } from '../support/worker.ts';

const HOUR_MS = 3_600_000;

export interface Client {
  visitor: Visitor;
  user: TestUser;
  /** Undefined: at the sign-in form. */
  session?: Session;
}

/** What opens the browsers that the rows about pages need. */
export function pageClients(environment: TestEnvironment) {
  const anonymous = async () => ({ visitor: environment.worker.visitor() });

  /** With a session cookie that was never issued, by its form. */
  async function malformed() {
    const visitor = environment.worker.visitor();
    await visitor.setCookie('sessionid=not-a-token');
    return { visitor };
  }

  /** A browser, and an app of the same user beside it. */
  async function signedIn() {
    const alone = await signedInAlone();
    return { ...alone, other: await seedSession(environment.cloud, alone.user, { kind: 'bearer' }) };
  }

  async function signedInAlone() {
    const user = await addUser(environment.cloud);
    return { user, ...(await seedVisitor(environment, user)) };
  }

  /** Back after an hour, with both cookies. */
  async function stale() {
    const user = await addUser(environment.cloud);
    const { token, tokenHash } = await seedSession(environment.cloud, user, {
      createdAtMs: Date.now() - HOUR_MS,
    });
    const visitor = environment.worker.visitor();
    const csrf = csrfTokens([SECRET_KEY]).newCookie(tokenHash, user.id as UserId);
    await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
    await visitor.setCookie(`csrftoken=${csrf}; Path=/; Secure`);
    return { visitor };
  }

  /** Signed out, but with the previous cookies, as after the Back button. */
  async function signedOut() {
    const { visitor, user } = await signedInAlone();
    const cookies = await visitor.jar.getCookies(visitor.origin);
    await visitor.logOut();
    for (const cookie of cookies) await visitor.setCookie(cookie.toString());
    return { visitor, user };
  }

  /** Two session cookies, as after a change of SESSION_COOKIE_DOMAIN. */
  async function duplicateCookies() {
    const { visitor, user, session, token } = await signedInAlone();
    const duplicate = await seedSession(environment.cloud, user);
    const csrf = await visitor.cookie('csrftoken');
    const Cookie = `sessionid=${token}; sessionid=${duplicate.token}; csrftoken=${csrf}`;
    return { visitor, session, headers: { Cookie, 'X-CSRFToken': csrf } };
  }

  const atForm =
    (wanted: NewUser = {}) =>
    async (): Promise<Client> => {
      const user = await addUser(environment.cloud, wanted);
      const { visitor } = await anonymous();
      await visitor.get('/sign-in/');
      return { visitor, user };
    };

  /** After this many attempts beyond the limit. */
  const throttled = (open: () => Promise<Client>, beyond: number) => async (): Promise<Client> => {
    const { visitor, user, session } = await open();
    const { throttle } = openCloudStores(environment.cloud);
    const { username } = user;
    const network = networkOf(visitor.ipAddress);
    const source: AttemptSource =
      session === undefined ? { kind: 'stranger' } : { kind: 'session', sessionId: session.id };
    for (let i = 0; i < ACCOUNT_NETWORK_LIMIT.failures + beyond; i += 1)
      await throttle.reserve({ attemptId: uuidV7(Date.now()), username, network, source });
    return { visitor, user };
  };

  /** At the form, with a session that started in another tab since: the page would no longer show the form. */
  async function atFormSignedIn(): Promise<Client> {
    const { visitor, user } = await atForm()();
    const { token } = await seedSession(environment.cloud, user);
    await visitor.setCookie(`sessionid=${token}; Path=/; Secure; HttpOnly`);
    return { visitor, user };
  }

  async function atFormWithFiftySessions(): Promise<Client> {
    const { visitor, user } = await atForm()();
    await Promise.all(Array.from({ length: 50 }, () => seedSession(environment.cloud, user)));
    return { visitor, user };
  }
  return {
    anonymous,
    malformed,
    signedIn,
    signedInAlone,
    stale,
    signedOut,
    duplicateCookies,
    atForm,
    throttled,
    atFormSignedIn,
    atFormWithFiftySessions,
  };
}
