import type { LoginOutcome, LogoutReason } from '../../../src/activity/events.ts';
import { toSqlTime } from '../../../src/store/sql-time.ts';
import type { ConsoleSession } from './console-session.ts';
import { NOW } from './generate-rows.ts';

interface Planted {
  /** The times of the event and of its row, as `ago` gives them; the row's is that of the event unless told. */
  at: string;
  recorded_at?: string;
  user_id?: string | null;
  username?: string;
  session_id?: string | null;
  ip_address?: string | null;
  country?: string | null;
  user_agent?: string | null;
}
export interface PlantedLogin extends Planted {
  outcome?: LoginOutcome;
}
export interface PlantedLogout extends Planted {
  reason?: LogoutReason;
}

const NOW_MS = Date.parse(`${NOW.replace(' ', 'T')}Z`);

/** A time before `NOW`, as the database shows it. */
export function ago({ days = 0, hours = 0, minutes = 0, seconds = 0 }): string {
  return toSqlTime(NOW_MS - (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** Far above the users of the million rows. */
export const NEW_USER_ID = '5000001';

let count = 0;
const nextId = (): string => `00000000-0000-7000-8000-${(count += 1).toString().padStart(12, '0')}`;

/** What is not told: a session of its own, of a new user `ann`, in the documentation's network in Germany. */
function common({ at, recorded_at, ...told }: Planted) {
  const id = nextId();
  return {
    user_id: NEW_USER_ID,
    username: 'ann',
    session_id: `planted-${id.slice(-12)}`,
    ip_address: '192.0.2.1',
    country: 'DE',
    user_agent: 'Planted/1.0',
    ...told,
    id,
    recorded_at: recorded_at ?? at,
  };
}

export async function plantLogins(session: ConsoleSession, ...logins: PlantedLogin[]): Promise<void> {
  for (const { outcome = 'success', ...rest } of logins) {
    const ended = outcome === 'success' ? {} : { session_id: null };
    await insert(session, 'login_activity', { ...common(rest), outcome, occurred_at: rest.at, ...ended });
  }
}

export async function plantLogouts(session: ConsoleSession, ...logouts: PlantedLogout[]): Promise<void> {
  for (const { reason = 'logout', ...rest } of logouts) {
    await insert(session, 'logout_activity', { ...common(rest), reason, logged_out_at: rest.at });
  }
}

export async function plantUser(session: ConsoleSession, user: Record<string, unknown>): Promise<void> {
  await insert(session, 'users', { password_hash: '!', ...user });
}

async function insert(session: ConsoleSession, table: string, row: Record<string, unknown>): Promise<void> {
  const columns = Object.keys(row);
  await session.rows(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    Object.values(row),
  );
}
