import { StoreTrace } from '../../src/store/store-trace.ts';
import type { ActivityLog } from '../../src/activity/activity-log.ts';
import type { ActivitySearch } from './stores/activity-search.ts';
import type { Outbox } from '../../src/activity/outbox.ts';
import type { OutboxAdmin } from './stores/outbox-admin.ts';
import { mysqlActivityLog } from '../../src/activity/mysql-activity-log.ts';
import { mysqlActivitySearch } from './stores/mysql-activity-search.ts';
import { redisOutbox } from '../../src/activity/redis-outbox.ts';
import { redisOutboxAdmin } from './stores/redis-outbox-admin.ts';
import type { SessionAdmin } from './stores/session-admin.ts';
import type { SessionStore } from '../../src/session/session-store.ts';
import { redisSessionAdmin } from './stores/redis-session-admin.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import type { Settings } from '../../src/settings.ts';
import { planetscaleClient, sqlClient, type SqlClient } from '../../src/store/sql-client.ts';
import { redisClient, upstashRedis } from '../../src/store/redis-client.ts';
import { mysqlUserAdmin } from './stores/mysql-user-admin.ts';
import type { UserAdmin } from './stores/user-admin.ts';
import type { Need } from './environment.ts';
import { readEnvironment } from './environment.ts';

/** Longer than in the Worker: operators run heavier statements. */
const REDIS_TIMEOUT_MS = 10_000;
const SQL_TIMEOUT_MS = 60_000;

/** The Worker's own adapters and those for operators. */
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

/** Opens the stores, without sending anything. Only those in `needs` may be used. */
export function openStores(options: { readonly env?: string }, ...needs: readonly Need[]): Stores {
  const settings = readEnvironment(options.env, needs);
  const credentials = { url: settings.UPSTASH_REDIS_REST_URL, token: settings.UPSTASH_REDIS_REST_TOKEN };
  const redis = redisClient(upstashRedis(credentials, REDIS_TIMEOUT_MS), REDIS_TIMEOUT_MS, new StoreTrace());
  const sql = sqlClient(
    planetscaleClient(settings.DATABASE_URL, SQL_TIMEOUT_MS),
    SQL_TIMEOUT_MS,
    new StoreTrace(),
  );
  return {
    settings,
    sql,
    sessions: redisSessionStore(redis),
    sessionAdmin: redisSessionAdmin(redis),
    outbox: redisOutbox(redis),
    outboxAdmin: redisOutboxAdmin(redis),
    users: mysqlUserAdmin(sql),
    activityLog: mysqlActivityLog(sql),
    activitySearch: mysqlActivitySearch(sql),
  };
}
