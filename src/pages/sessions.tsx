import { Hono } from 'hono/tiny';
import type { ActivityLine } from '../activity/activity-log.ts';
import { RequestError } from '../errors.ts';
import { endsOwn, listSessions, resumeSession, revokeSessions } from '../session/lifecycle.ts';
import type { RevokeScope } from '../session/session-store.ts';
import type { Session } from '../session/session.ts';
import { hashToken, NO_SESSION_ID, parseSessionId, type UserId } from '../session/token.ts';
import { StoreUnavailableError } from '../store/store-call.ts';
import { CSRF_FIELD, csrfTokenForForm, requireCsrfToken } from '../web/csrf-guard.ts';
import { revokeForm } from '../web/fields.ts';
import type { AppContext, AppEnv } from '../web/request-context.ts';
import { signInUrl } from '../web/sign-in-guard.ts';
import { unlessUnconfirmed } from '../web/unconfirmed.ts';
import { validate } from '../web/validate.ts';
import { describeCountry, describeDevice } from './device.ts';
import { Layout } from './layout.tsx';
import { answerSignedOut } from './logout.tsx';
import { Time } from './time.tsx';

const RECENT_ACTIVITY = 12;

/** Why the visitor was sent here, by the word in `?done=`. */
const NOTICES: Readonly<Record<string, string>> = {
  revoked: 'That device is signed out.',
  others: 'All your other devices are signed out.',
  password: 'Your password is changed, and your other devices are signed out.',
};

export const sessionsPage = new Hono<AppEnv>()
  /** One wait: the list comes from Redis, and beside it, at the same time, the history from MySQL. */
  .get('/sessions/', async (c) => {
    const request = c.get('request');
    const token = request.cookies.tokens[0];
    if (token === undefined) return c.redirect(signInUrl(c), 302);
    const tokenHash = hashToken(token);
    const nowMs = request.deps.clock.nowMs();
    // The cookie for CSRF names the user, under our signature: enough to ask for the history already.
    const likelyUser = request.csrf.userOf(request.cookies.csrf, tokenHash);
    const [list, early] = await Promise.all([
      listSessions(request, { tokenHash, kind: 'cookie' }),
      likelyUser === null ? null : findRecent(c, likelyUser),
    ]);
    if (list.status === 'invalid') return c.redirect(signInUrl(c), 302);
    const { session, sessions } = list;
    // Without that cookie it would be a second wait; the next look has it.
    const recent = likelyUser === session.userId ? early : 'later';
    const csrfToken = csrfTokenForForm(c, [tokenHash], session);
    const done = c.req.query('done') ?? '';
    const notice = Object.hasOwn(NOTICES, done) ? NOTICES[done] : undefined;
    return c.html(
      <Layout title="Your sessions" username={session.username} wide>
        <h1>Your sessions</h1>
        {notice === undefined ? null : (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
        <p>
          Every device on which you are signed in. Sign out of those that you do not know, and change your
          password.
        </p>
        <ul class="sessions">
          {sessions.map((each) => (
            <SessionItem
              session={each}
              isCurrent={each.id === session.id}
              nowMs={nowMs}
              csrfToken={csrfToken}
            />
          ))}
        </ul>
        <div class="actions">
          {sessions.length > 1 ? (
            <ScopeButton scope="others" csrfToken={csrfToken} label="Sign out all other devices" />
          ) : null}
          <ScopeButton scope="all" csrfToken={csrfToken} label="Sign out everywhere, here too" />
          <a class="button quiet" href="/account/password/">
            Change password
          </a>
        </div>
        <h2>Recent activity</h2>
        {recent === null ? (
          <p class="fine">The record cannot be read at the moment.</p>
        ) : recent === 'later' ? (
          <p class="fine">
            <a href="/sessions/">Show it</a>
          </p>
        ) : (
          <ActivityTable lines={recent} nowMs={nowMs} />
        )}
      </Layout>,
    );
  })

  /** One wait. Another user's id is answered like one that nobody has. */
  .post(
    '/sessions/revoke/',
    async (c, next) => {
      const { tokens } = c.get('request').cookies;
      const token = tokens[0];
      if (token === undefined) return c.redirect(signInUrl(c, '/sessions/'), 303);
      const tokenHash = hashToken(token);
      // Without an open session there is nothing to protect, and no token to be expected.
      try {
        await requireCsrfToken(c, [tokenHash]);
      } catch (error) {
        if (!(error instanceof RequestError) || error.reason.code !== 'csrf_failed') throw error;
        const check = await unlessUnconfirmed(() =>
          resumeSession(c.get('request'), { tokenHash, kind: 'cookie' }),
        );
        if (check.status === 'valid') throw error;
        return c.redirect(signInUrl(c, '/sessions/'), 303);
      }
      return next();
    },
    validate('form', revokeForm),
    async (c) => {
      const scope = parseScope(c.req.valid('form'));
      const request = c.get('request');
      const holder = { tokenHash: hashToken(request.cookies.tokens[0]!), kind: 'cookie' } as const;
      const result = await unlessUnconfirmed(() =>
        revokeSessions(request, holder, scope, request.cookies.tokens),
      );
      if (result.status === 'invalid') return c.redirect(signInUrl(c, '/sessions/'), 303);
      if (result.status === 'not_found') throw new RequestError({ code: 'not_found' });
      const isOwnEnded = endsOwn(result.logouts);
      c.set('outcome', isOwnEnded ? 'signed_out' : 'revoked');
      if (isOwnEnded) return answerSignedOut(c);
      return c.redirect(`/sessions/?done=${'only' in scope ? 'revoked' : 'others'}`, 303);
    },
  );

/** Exactly one of the two fields. An id of no possible session is answered like an unknown one. */
function parseScope({
  id,
  scope,
}: {
  id?: string | undefined;
  scope?: 'others' | 'all' | undefined;
}): RevokeScope {
  if (scope !== undefined && id === undefined) return { all: scope === 'all' ? 'everywhere' : 'others' };
  if (id !== undefined && scope === undefined) return { only: parseSessionId(id) ?? NO_SESSION_ID };
  throw new RequestError({
    code: 'invalid_fields',
    errors: [{ field: 'id', message: 'Give either an id or a scope.' }],
  });
}

/** Null: MySQL does not answer; the list of sessions does not depend on it. */
async function findRecent(c: AppContext, userId: UserId): Promise<ActivityLine[] | null> {
  try {
    return await c.get('request').deps.activityLog.listRecent(userId, RECENT_ACTIVITY);
  } catch (error) {
    if (error instanceof StoreUnavailableError) return null;
    throw error;
  }
}

interface ItemProps {
  readonly session: Session;
  readonly isCurrent: boolean;
  readonly nowMs: number;
  readonly csrfToken: string;
}

function SessionItem({ session, isCurrent, nowMs, csrfToken }: ItemProps) {
  const { client } = session;
  const device = describeDevice(session.deviceName, client.userAgent);
  const place = [client.ipAddress, describeCountry(client.country)]
    .filter((each) => each !== null)
    .join(', ');
  return (
    <li>
      <div>
        <strong title={client.userAgent ?? undefined}>{device}</strong>
        {isCurrent ? <span class="badge">This device</span> : null}
        {session.kind === 'bearer' ? <span class="badge soft">App</span> : null}
        {session.rememberMe ? <span class="badge soft">Remembered</span> : null}
        <p class="fine">
          {place === '' ? 'Unknown address' : place} · signed in{' '}
          <Time atMs={session.createdAtMs} nowMs={nowMs} /> · last seen{' '}
          <Time atMs={session.lastSeenAtMs} nowMs={nowMs} />
        </p>
      </div>
      <form method="post" action="/sessions/revoke/">
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        <input type="hidden" name="id" value={session.id} />
        <button class="quiet" type="submit" aria-label={isCurrent ? 'Sign out here' : `Sign out ${device}`}>
          {isCurrent ? 'Sign out here' : 'Sign out'}
        </button>
      </form>
    </li>
  );
}

function ScopeButton({ scope, csrfToken, label }: { scope: string; csrfToken: string; label: string }) {
  return (
    <form method="post" action="/sessions/revoke/">
      <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
      <input type="hidden" name="scope" value={scope} />
      <button class="danger" type="submit">
        {label}
      </button>
    </form>
  );
}

/** What a detail of the record means to the person it is about. */
const DETAILS: Readonly<Record<string, string>> = {
  success: 'Signed in',
  bad_credentials: 'Failed sign-in: wrong password',
  inactive: 'Failed sign-in: account disabled',
  throttled: 'Sign-ins paused: too many failures',
  logout: 'Signed out',
  logout_others: 'Signed out from another device',
  logout_all: 'Signed out everywhere',
  revoked: 'Signed out from another device',
  replaced: 'Replaced by a new sign-in',
  evicted: 'Ended: too many sessions',
  password_changed: 'Ended: password changed',
  admin: 'Ended by an operator',
};

function ActivityTable({ lines, nowMs }: { lines: readonly ActivityLine[]; nowMs: number }) {
  if (lines.length === 0) return <p class="fine">Nothing yet.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr>
            <td>
              <Time atMs={line.atMs} nowMs={nowMs} />
            </td>
            <td>{DETAILS[line.detail] ?? line.detail}</td>
            <td>
              {describeDevice(null, line.userAgent)}, {line.ipAddress ?? 'unknown address'}
              {line.country === null ? '' : `, ${describeCountry(line.country)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
