import type { ActivityLog } from '../../src/activity/activity-log.ts';
import type { ActivitySearch } from '../../src/activity/activity-search.ts';
import type { Outbox } from '../../src/activity/outbox.ts';
import type { OutboxAdmin } from '../../src/activity/outbox-admin.ts';
import { planetscaleActivityLog } from '../../src/activity/planetscale-activity-log.ts';
import { planetscaleActivitySearch } from '../../src/activity/planetscale-activity-search.ts';
import { upstashOutbox } from '../../src/activity/upstash-outbox.ts';
import { upstashOutboxAdmin } from '../../src/activity/upstash-outbox-admin.ts';
import type { SessionAdmin } from '../../src/session/session-admin.ts';
import type { SessionStore } from '../../src/session/session-store.ts';
import { upstashSessionAdmin } from '../../src/session/upstash-session-admin.ts';
import { upstashSessionStore } from '../../src/session/upstash-session-store.ts';
import type { Settings } from '../../src/settings.ts';
import {
  planetscaleClient,
  planetscaleConnection,
  type SqlClient,
} from '../../src/store/planetscale-client.ts';
import { NO_TRACE } from '../../src/store/store-call.ts';
import { upstashClient, upstashConnection } from '../../src/store/upstash-client.ts';
import { planetscaleUserAdmin } from '../../src/user/planetscale-user-admin.ts';
import type { UserAdmin } from '../../src/user/user-admin.ts';
import type { Need } from './environment.ts';
import { readEnvironment } from './environment.ts';
import { upstashKeyScan } from './upstash-key-scan.ts';

/** An operator waits longer than a visitor, and for heavier statements. */
const REDIS_TIMEOUT_MS = 10_000;
const SQL_TIMEOUT_MS = 60_000;

/** What a command works on: the Worker's own adapters and those for operators. */
export interface Stores {
  readonly settings: Settings;
  readonly sql: SqlClient;
  readonly sessions: SessionStore;
  readonly sessionAdmin: SessionAdmin;
  readonly outbox: Outbox;
  readonly outboxAdmin: OutboxAdmin;
  readonly users: UserAdmin;
  readonly activityLog: ActivityLog;
  readonly activitySearch: ActivitySearch;
}

/** Opens the stores; those that are not among `needs` must not be used. Sends nothing yet. */
export function openStores(options: { readonly env?: string }, ...needs: readonly Need[]): Stores {
  const settings = readEnvironment(options.env, needs);
  const credentials = { url: settings.UPSTASH_REDIS_REST_URL, token: settings.UPSTASH_REDIS_REST_TOKEN };
  const redis = upstashClient(upstashConnection(credentials), REDIS_TIMEOUT_MS, NO_TRACE);
  const sql = planetscaleClient(
    planetscaleConnection(settings.DATABASE_URL, SQL_TIMEOUT_MS),
    SQL_TIMEOUT_MS,
    NO_TRACE,
  );
  return {
    settings,
    sql,
    sessions: upstashSessionStore(redis),
    sessionAdmin: upstashSessionAdmin(redis, upstashKeyScan(credentials, REDIS_TIMEOUT_MS)),
    outbox: upstashOutbox(redis),
    outboxAdmin: upstashOutboxAdmin(redis),
    users: planetscaleUserAdmin(sql),
    activityLog: planetscaleActivityLog(sql),
    activitySearch: planetscaleActivitySearch(sql),
  };
}
