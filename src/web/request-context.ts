import type { Context } from 'hono';
import type { RequestScope } from '../deps.ts';
import type { CsrfTokens } from '../security/csrf.ts';
import type { PresentedCookies } from '../session/cookies.ts';
import type { Session } from '../session/session.ts';
import type { TokenHash } from '../session/token.ts';

/** What one request brings along and may use, for handlers. */
export interface RequestContext extends RequestScope {
  readonly url: URL;
  readonly cookies: PresentedCookies;
  readonly csrf: CsrfTokens;
}

/** The session that a request was let in with. */
export interface SignedIn {
  readonly session: Session;
  readonly tokenHash: TokenHash;
}

export interface AppEnv {
  Variables: {
    requestId: string;
    request: RequestContext;
    signedIn: SignedIn;
    /** For the log line: what became of the request, in a word. */
    outcome: string;
  };
}

export type AppContext = Context<AppEnv>;
