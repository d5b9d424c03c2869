import { Hono } from 'hono/tiny';
import type { LogoutCursor } from '../activity/activity-log.ts';
import { RequestError } from '../errors.ts';
import { resumeSession } from '../session/lifecycle.ts';
import { rfc3339 } from '../session/presentation.ts';
import type { Uuid } from '../uuid.ts';
import { requireHolder } from '../web/api-guard.ts';
import type { AppEnv } from '../web/request-context.ts';
import { validate } from '../web/validate.ts';
import { logoutsQuery } from './schemas.ts';

/** One's own sign-outs, newest first. Two waits; may lag a receipt by the outbox. */
export const logoutsApi = new Hono<AppEnv>().get('/logouts', validate('query', logoutsQuery), async (c) => {
  const request = c.get('request');
  const check = await resumeSession(request, await requireHolder(c, 'reads'));
  if (check.status === 'invalid') throw new RequestError({ code: 'not_signed_in' });
  const { limit, before } = c.req.valid('query');
  // One more than asked for tells whether there is a further page.
  const found = await request.deps.activityLog.listLogouts(
    check.session.userId,
    limit + 1,
    parseCursor(before),
  );
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return c.json({
    logouts: page.map((each) => ({
      id: each.id,
      session_id: each.sessionId,
      reason: each.reason,
      ip_address: each.client.ipAddress,
      user_agent: each.client.userAgent,
      country: each.client.country,
      logged_out_at: rfc3339(each.loggedOutAtMs),
    })),
    next_before: found.length > limit && last !== undefined ? `${last.loggedOutAtMs}.${last.id}` : null,
  });
});

/** The schema has judged the form: Unix ms, a dot, the id of the last row. */
function parseCursor(before: string | undefined): LogoutCursor | null {
  if (before === undefined) return null;
  const [atMs = '', id = ''] = before.split('.');
  return { loggedOutAtMs: Number(atMs), id: id as Uuid };
}
