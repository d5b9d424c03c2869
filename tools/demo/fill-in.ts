import { redisOutbox } from '../../src/activity/redis-outbox.ts';
import { hashPassword } from '../../src/auth/password.ts';
import type { UserId } from '../../src/lib/ids.ts';
import { redisClient, upstashRedis } from '../../src/store/redis-client.ts';
import { StoreTrace } from '../../src/store/store-trace.ts';
import { newSecret } from '../local-cloud/credentials.ts';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import { DAY_MS, historyOf, type Login, type Logout } from './history.ts';
import { openSessions, type Opened } from './open-sessions.ts';
import { DISABLED, PEOPLE, UNUSED, type Person } from './people.ts';

const DAYS = 30;
const BCRYPT_ROUNDS = 10;
const TIMEOUT_MS = 10_000;
/** What the service waits at most, about, until it records a sign-in. */
const RECORDED_AFTER_MS = 80;

/** How much was added, which is less the second time. */
export interface Added {
  readonly users: number;
  readonly logins: number;
  readonly logouts: number;
  readonly sessions: number;
}

/**
 * Adds users, a month of their activity up to now, and open sessions. May be repeated: it adds what is missing. The demo
 * user exists; the others have passwords that no one knows. `secretKey` is the Worker's: it hashes names of no user.
 */
export async function fillIn(cloud: CloudProxy, secretKey: string, nowMs: number): Promise<Added> {
  const before = await countRows(cloud);
  await addUsers(cloud, nowMs);
  const userIds = await readUserIds(cloud);
  const today = Math.floor(nowMs / DAY_MS);
  const days = Array.from({ length: DAYS + 1 }, (_, i) => historyOf(today - DAYS + i, nowMs, secretKey));
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = cloud.env;
  const redis = redisClient(upstashRedis({ url, token }, TIMEOUT_MS), TIMEOUT_MS, new StoreTrace());
  const opened = await openSessions(redis, userIds, nowMs);
  await addLogins(cloud, userIds, [...days.flatMap(({ logins }) => logins), ...opened.map(signInOf)]);
  await redisOutbox(redis).remove(opened.flatMap(({ loginEntryId }) => loginEntryId ?? []));
  await addLogouts(
    cloud,
    userIds,
    days.flatMap(({ logouts }) => logouts),
  );
  await cloud.query(
    `UPDATE users SET last_login_at = (SELECT MAX(occurred_at) FROM login_activity
       WHERE login_activity.user_id = users.id AND outcome = 'success')
     WHERE username IN (?)`,
    [PEOPLE.map(({ username }) => username)],
  );
  const after = await countRows(cloud);
  return {
    users: after.users - before.users,
    logins: after.logins - before.logins,
    logouts: after.logouts - before.logouts,
    sessions: opened.length,
  };
}

function signInOf({ session, loginId }: Opened): Login {
  const { id: sessionId, username, client, createdAtMs: atMs } = session;
  const recordedAtMs = atMs + RECORDED_AFTER_MS;
  return { id: loginId, username, sessionId, client, atMs, recordedAtMs, outcome: 'success' };
}

async function addUsers(cloud: CloudProxy, nowMs: number): Promise<void> {
  const add = async (
    person: Person,
    isActive: boolean,
    createdAtMs: number,
    lastLoginAtMs: number | null,
  ) => {
    const { username, firstName, lastName } = person;
    const [known] = await cloud.query('SELECT id FROM users WHERE username = ?', [username]);
    if (known !== undefined) return;
    const hash = await hashPassword(newSecret(), BCRYPT_ROUNDS);
    await cloud.query(
      `INSERT INTO users (username, password_hash, email, first_name, last_name, is_active, created_at, last_login_at)
       VALUES (?)`,
      [
        [
          username,
          hash,
          `${username}@example.org`,
          firstName,
          lastName,
          isActive,
          toSql(createdAtMs),
          lastLoginAtMs === null ? null : toSql(lastLoginAtMs),
        ],
      ],
    );
  };
  for (const [i, person] of PEOPLE.entries()) await add(person, true, nowMs - (200 + i * 31) * DAY_MS, null);
  await add(DISABLED, false, nowMs - 800 * DAY_MS, nowMs - 95 * DAY_MS);
  for (const [i, person] of UNUSED.entries())
    await add(person, true, nowMs - 900 * DAY_MS, i === 0 ? null : nowMs - 500 * DAY_MS);
}

async function readUserIds(cloud: CloudProxy): Promise<Map<string, UserId>> {
  const rows = await cloud.query('SELECT id, username FROM users');
  return new Map(rows.map(({ id, username }) => [String(username), String(id) as UserId]));
}

/** The columns that both tables have. */
const common = (userIds: ReadonlyMap<string, UserId>, event: Login | Logout) => [
  event.id,
  userIds.get(event.username) ?? null,
  event.username,
  event.sessionId,
  event.client.ipAddress,
  event.client.userAgent,
  event.client.country,
  toSql(event.atMs),
  toSql(event.recordedAtMs),
];
const COMMON = 'id, user_id, username, session_id, ip_address, user_agent, country';

async function addLogins(
  cloud: CloudProxy,
  userIds: ReadonlyMap<string, UserId>,
  logins: Login[],
): Promise<void> {
  const rows = logins.map((login) => [...common(userIds, login), login.outcome]);
  await cloud.query(
    `INSERT INTO login_activity (${COMMON}, occurred_at, recorded_at, outcome) VALUES ?
     ON DUPLICATE KEY UPDATE id = login_activity.id`,
    [rows],
  );
}

async function addLogouts(
  cloud: CloudProxy,
  userIds: ReadonlyMap<string, UserId>,
  logouts: Logout[],
): Promise<void> {
  const rows = logouts.map((logout) => [...common(userIds, logout), logout.reason]);
  await cloud.query(
    `INSERT INTO logout_activity (${COMMON}, logged_out_at, recorded_at, reason) VALUES ?
     ON DUPLICATE KEY UPDATE id = logout_activity.id`,
    [rows],
  );
}

async function countRows(cloud: CloudProxy): Promise<Omit<Added, 'sessions'>> {
  const count = async (table: string) => {
    const [row] = await cloud.query(`SELECT COUNT(*) AS n FROM ${table}`);
    return Number(row?.['n']);
  };
  return {
    users: await count('users'),
    logins: await count('login_activity'),
    logouts: await count('logout_activity'),
  };
}

/** UTC, in milliseconds, as DATETIME(3) reads it. */
const toSql = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
