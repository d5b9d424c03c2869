import { Hono } from '../http/hono.ts';
import type { LogoutCursor } from '../activity/activity-log.ts';
import { requireOpenSession } from '../http/guards.ts';
import type { LogoutsView } from '../http/response-schemas.ts';
import { viewPastLogout } from '../http/session-views.ts';
import { validate } from '../http/validate.ts';
import type { Uuid } from '../lib/ids.ts';
import { logoutsQuery } from './request-schemas.ts';

/** A user's own sign-outs, newest first. May lag a receipt by the outbox. */
export const logoutsApi = new Hono().get('/logouts', validate('query', logoutsQuery), async (c) => {
  const { session } = await requireOpenSession(c);
  const { limit, before } = c.req.valid('query');
  // One more than asked for shows whether there is a further page.
  const found = await c
    .get('request')
    .activityLog.listLogouts(session.userId, limit + 1, parseCursor(before));
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return c.json<LogoutsView>({
    logouts: page.map(viewPastLogout),
    next_before: found.length > limit && last !== undefined ? `${last.loggedOutAtMs}.${last.id}` : null,
  });
});

/** Its form has passed the schema: Unix ms, a dot, the id of the last row. */
function parseCursor(before: string | undefined): LogoutCursor | null {
  if (before === undefined) return null;
  const [atMs = '', id = ''] = before.split('.');
  return { loggedOutAtMs: Number(atMs), id: id as Uuid };
}
