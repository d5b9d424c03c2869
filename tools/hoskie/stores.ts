import { isStoreUnavailable, type StoreUnavailableError } from '../../src/errors.ts';
import { StoreTrace } from '../../src/store/store-trace.ts';
import type { ActivityLog } from '../../src/activity/activity-log.ts';
import type { ActivitySearch } from './stores/activity-search.ts';
import type { Outbox } from '../../src/activity/outbox.ts';
import type { OutboxAdmin } from './stores/outbox-admin.ts';
import { mysqlActivityLog } from '../../src/activity/mysql-activity-log.ts';
import { mysqlActivitySearch } from './stores/mysql-activity-search.ts';
import { redisOutbox } from '../../src/activity/redis-outbox.ts';
import { redisOutboxAdmin } from './stores/redis-outbox-admin.ts';
import { mysqlRecordSearch } from './stores/mysql-record-search.ts';
import type { RecordSearch } from './stores/record-search.ts';
import type { SessionAdmin } from './stores/session-admin.ts';
import { redisSessionScan } from './stores/redis-session-scan.ts';
import type { SessionScan } from './stores/session-scan.ts';
import type { SessionEnds } from '../../src/session/session-ends.ts';
import type { SessionStore } from '../../src/session/session-store.ts';
import { redisSessionAdmin } from './stores/redis-session-admin.ts';
import { redisSessionEnds } from '../../src/session/redis-session-ends.ts';
import { redisSessionStore } from '../../src/session/redis-session-store.ts';
import type { Settings } from '../../src/settings.ts';
import { planetscaleClient, sqlClient, type SqlClient } from '../../src/store/sql-client.ts';
import { redisClient, upstashRedis } from '../../src/store/redis-client.ts';
import { redisWebhookAdmin } from './stores/redis-webhook-admin.ts';
import type { WebhookAdmin } from './stores/webhook-admin.ts';
import { mysqlUserAdmin } from './stores/mysql-user-admin.ts';
import type { UserAdmin } from './stores/user-admin.ts';
import type { Need } from './environment.ts';
import { readEnvironment } from './environment.ts';

/** A statement on the schema builds tables and indexes. */
const SCHEMA_TIMEOUT_MS = 60_000;

interface StoreOptions {
  readonly env?: string;
  /** In seconds, for one statement or command. */
  readonly timeout: number;
  /** True: MySQL is asked again after it was given up. */
  readonly follow?: boolean;
}

/** The Worker's own adapters and those for operators. */
export interface Stores {
  readonly settings: Settings;
  /** For statements on the schema. */
  readonly sql: SqlClient;
  readonly sessions: SessionStore;
  readonly sessionEnds: SessionEnds;
  readonly sessionAdmin: SessionAdmin;
  readonly sessionScan: SessionScan;
  readonly outbox: Outbox;
  readonly outboxAdmin: OutboxAdmin;
  readonly webhookAdmin: WebhookAdmin;
  readonly users: UserAdmin;
  readonly activityLog: ActivityLog;
  readonly activitySearch: ActivitySearch;
  readonly recordSearch: RecordSearch;
}

/** Opens the stores, without sending anything. Only those in `needs` may be used. */
export function openStores(options: StoreOptions, ...needs: readonly Need[]): Stores {
  const settings = readEnvironment(options.env, needs);
  const credentials = { url: settings.UPSTASH_REDIS_REST_URL, token: settings.UPSTASH_REDIS_REST_TOKEN };
  const timeoutMs = options.timeout * 1000;
  const redis = redisClient(upstashRedis(credentials, timeoutMs), timeoutMs, new StoreTrace());
  const openSql = (ms: number): SqlClient =>
    sqlClient(planetscaleClient(settings.DATABASE_URL, ms), ms, new StoreTrace());
  const schemaSql = openSql(Math.max(timeoutMs, SCHEMA_TIMEOUT_MS));
  const sql = options.follow === true ? openSql(timeoutMs) : givenUpOnce(openSql(timeoutMs));
  return {
    settings,
    sql: schemaSql,
    sessions: redisSessionStore(redis, 'primary', 'stored'),
    sessionEnds: redisSessionEnds(redis, 'stored'),
    sessionAdmin: redisSessionAdmin(redis),
    sessionScan: redisSessionScan(redis),
    outbox: redisOutbox(redis),
    outboxAdmin: redisOutboxAdmin(redis),
    webhookAdmin: redisWebhookAdmin(redis),
    users: mysqlUserAdmin(sql),
    activityLog: mysqlActivityLog(sql),
    activitySearch: mysqlActivitySearch(sql),
    recordSearch: mysqlRecordSearch(sql),
  };
}

/** A command that can go on without MySQL waits for it once, not at each statement. */
function givenUpOnce(sql: SqlClient): SqlClient {
  let givenUp: StoreUnavailableError | null = null;
  return {
    async execute(statement, values) {
      if (givenUp !== null) throw givenUp;
      try {
        return await sql.execute(statement, values);
      } catch (error) {
        if (isStoreUnavailable(error) && error.reason.fault === 'timeout') givenUp = error;
        throw error;
      }
    },
  };
}
