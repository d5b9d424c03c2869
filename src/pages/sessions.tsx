import { Hono } from '../http/hono.ts';
import type * as z from 'zod/mini';
import type { ActivityLine } from '../activity/activity-log.ts';
import { isCsrfFailure, isStoreUnavailable, ServiceError, type Reason } from '../errors.ts';
import type { AppContext } from '../http/context.ts';
import { csrfRefusal, csrfTokenForForm } from '../http/csrf.ts';
import { revokeForm } from '../http/fields.ts';
import { requireForm } from '../http/form-body.ts';
import { authorizeSignOut, signInUrl } from '../http/guards.ts';
import { pagePath } from '../http/page-path.ts';
import { describeProblem } from '../http/problem-texts.ts';
import { respondWithProblem } from '../http/problems.ts';
import { validate } from '../http/validate.ts';
import { NO_SESSION_ID, parseSessionId, uuidOf, type UserId } from '../lib/ids.ts';
import { endedOwnSession, revokeSessions } from '../session/end-sessions.ts';
import { listSessions } from '../session/resume-session.ts';
import { newOperation } from '../session/session-work.ts';
import type { AuthorizedTokens, Operation, RevokeScope } from '../session/session-store.ts';
import type { TokenHash } from '../session/token.ts';
import { ActivityTable } from './activity-table.tsx';
import { FormProblem, titleWithProblem } from './form-problem.tsx';
import { textsFor } from './language.ts';
import { renderPage } from './layout.tsx';
import { redirectSignedOut } from './logout.tsx';
import { ScopeButton, SessionItem } from './revoke-buttons.tsx';
import type { Done } from './texts/texts.ts';

const PATH = '/sessions/';
const REVOKE_PATH = '/sessions/revoke/';
const RECENT_ACTIVITY = 12;

export const sessionsPage = new Hono()
  .get(PATH, (c) => respondWithSessions(c, null))

  /** An id of another user gets the same response as one that doesn't exist; a copy of the form, that of the first. */
  .post(
    REVOKE_PATH,
    requireForm(),
    async (c, next) => {
      let authorized: AuthorizedTokens;
      try {
        authorized = await authorizeSignOut(c);
      } catch (error) {
        if (isCsrfFailure(error)) return respondWithSessions(c, csrfRefusal(c));
        throw error;
      }
      if (authorized.tokenHashes.length === 0) return c.redirect(signInUrl(c, PATH), 303);
      c.set('authorized', authorized);
      return next();
    },
    validate('form', revokeForm),
    async (c) => {
      const scope = parseScope(c.req.valid('form'));
      const operation = operationFor(c, scope);
      const result = await revokeSessions(c.get('request'), c.get('authorized'), scope, operation);
      if (result.status === 'invalid') {
        if (scope === 'all' && result.tombstone?.reason === 'logout_all') return redirectSignedOut(c);
        return c.redirect(signInUrl(c, PATH), 303);
      }
      if (result.status === 'not_found') {
        c.set('outcome', 'not_found');
        return redirectDone(c, 'unknown');
      }
      const isSignedOut = endedOwnSession(result.logouts);
      c.set('outcome', isSignedOut ? 'signed_out' : 'revoked');
      if (isSignedOut) return redirectSignedOut(c);
      return redirectDone(c, scope === 'others' ? 'others' : 'revoked');
    },
  );

const redirectDone = (c: AppContext, done: Done): Response =>
  c.redirect(`${pagePath(c, PATH)}?done=${done}`, 303);

/**
 * The page: its list comes from Redis and, in the same round trip, recent activity from MySQL. With a problem, it says why
 * the button that was pressed did nothing.
 */
async function respondWithSessions(c: AppContext, problem: Reason | null): Promise<Response> {
  const request = c.get('request');
  const { credentials } = request;
  const backTo = problem === null ? undefined : PATH;
  if (credentials.status !== 'offered') return c.redirect(signInUrl(c, backTo), 302);
  const nowMs = request.clock.nowMs();
  const likelyUser = likelyUserOf(c, credentials.tokenHashes);
  const [list, early] = await Promise.all([
    listSessions(request, credentials),
    likelyUser === null ? null : findRecent(c, likelyUser),
  ]);
  if (list.status === 'invalid') return c.redirect(signInUrl(c, backTo), 302);
  const { session, sessions } = list;
  // Without that cookie it would take a second round trip. This response sets the cookie, for the next visit.
  const recent = likelyUser === session.userId ? early : 'later';
  const csrfToken = csrfTokenForForm(c, [list.tokenHash], session);
  const form = { action: pagePath(c, REVOKE_PATH), csrfToken };
  const done = c.req.query('done') ?? '';
  const texts = textsFor(c);
  const { notices } = texts.sessions;
  const notice = Object.hasOwn(notices, done) ? notices[done as Done] : undefined;
  const title = titleWithProblem(texts.yourSessions, problem, texts);
  const render = () =>
    renderPage(
      c,
      { texts, title, username: session.username, wide: true },
      <>
        <h1>{texts.yourSessions}</h1>
        {problem === null ? null : (
          <FormProblem>{describeProblem(problem, texts.problems).detail}</FormProblem>
        )}
        {notice === undefined ? null : (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
        <p>{texts.sessions.intro}</p>
        <ul class="sessions">
          {sessions.map((each) => (
            <SessionItem
              session={each}
              isCurrent={each.id === session.id}
              nowMs={nowMs}
              form={form}
              texts={texts}
            />
          ))}
        </ul>
        <div class="actions">
          {sessions.length > 1 ? (
            <ScopeButton scope="others" form={form} label={texts.sessions.signOutOthers} />
          ) : null}{' '}
          <ScopeButton scope="all" form={form} label={texts.sessions.signOutEverywhere} />{' '}
          <a class="button quiet" href={pagePath(c, '/account/password/')}>
            {texts.changePassword}
          </a>
        </div>
        <h2>{texts.activity.heading}</h2>
        {recent === null ? (
          <p class="fine">{texts.activity.unavailable}</p>
        ) : recent === 'later' ? (
          <p class="fine">
            <a href={pagePath(c, PATH)}>{texts.activity.show}</a>
          </p>
        ) : (
          <ActivityTable lines={recent} nowMs={nowMs} texts={texts} />
        )}
      </>,
    );
  return problem === null ? render() : respondWithProblem(c, problem, render);
}

/**
 * A copy of a form that ends one session is the same operation, which gets its first reply again. One that ends several is
 * done anew, as there may be new ones.
 */
function operationFor(c: AppContext, scope: RevokeScope): Operation {
  const request = c.get('request');
  const operation = newOperation(request);
  const [tokenHash] = c.get('authorized').tokenHashes;
  if (typeof scope === 'string' || tokenHash === undefined) return operation;
  return { ...operation, id: uuidOf(`revoke ${tokenHash} ${scope.only}`) };
}

/** Exactly one of the two fields. Text that can't be a session id gets the same response as an unknown one. */
function parseScope({ id, scope }: z.infer<typeof revokeForm>): RevokeScope {
  if (scope !== undefined && id === undefined) return scope;
  if (id !== undefined && scope === undefined) return { only: parseSessionId(id) ?? NO_SESSION_ID };
  throw new ServiceError({
    code: 'invalid_fields',
    errors: [{ field: 'id', message: 'Send either an id or a scope.' }],
  });
}

/** Our signature on a CSRF cookie says whose session this was, which is enough to ask for the activity. Null: it is missing. */
function likelyUserOf(c: AppContext, tokenHashes: readonly TokenHash[]): UserId | null {
  const { csrf, csrfCookies } = c.get('request');
  for (const cookie of csrfCookies) {
    for (const tokenHash of tokenHashes) {
      const user = csrf.userOf(cookie, tokenHash);
      if (user !== null) return user;
    }
  }
  return null;
}

/** Null: MySQL doesn't reply; the list of sessions doesn't depend on it. */
async function findRecent(c: AppContext, userId: UserId): Promise<ActivityLine[] | null> {
  try {
    return await c.get('request').activityLog.listRecent(userId, RECENT_ACTIVITY);
  } catch (error) {
    if (isStoreUnavailable(error)) return null;
    throw error;
  }
}
