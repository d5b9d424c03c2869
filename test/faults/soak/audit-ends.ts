import { fromSqlTime } from '../../../src/store/sql-time.ts';
import { isExpiry } from '../../../src/activity/events.ts';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import type { ExpiringSession } from './expiring-session.ts';
import type { Ledger } from './ledger.ts';

interface EndsAudit {
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
  readonly sessions: ReadonlyMap<string, ExpiringSession>;
  /** From when on the row of such an end is late, in Unix ms. */
  readonly dueFromMs: (endedAtMs: number) => number;
}

/** Compares each session with its rows: one for its sign-in, one for its end, and that as it must have been. Returns how late the rows of those that expired came, in ms. */
export async function auditEnds({ cloud, ledger, sessions, dueFromMs }: EndsAudit): Promise<number[]> {
  const logins = await cloud.query('SELECT session_id FROM login_activity');
  const logouts = await cloud.query(
    'SELECT session_id, reason, logged_out_at, recorded_at FROM logout_activity',
  );
  const loginsOf = Map.groupBy(logins, (row) => String(row['session_id']));
  const logoutsOf = Map.groupBy(logouts, (row) => String(row['session_id']));
  const lateMs: number[] = [];
  for (const [id, session] of sessions) {
    const signIns = loginsOf.get(id)?.length ?? 0;
    const [row, ...more] = logoutsOf.get(id) ?? [];
    // A start that was abandoned may have begun before.
    if (signIns !== 1 && (session.isStarted || signIns > 1))
      ledger.violation(`session ${id} has ${signIns} sign-ins`);
    if (more.length > 0) ledger.violation(`session ${id} has ${more.length + 1} ends`);
    if ((row === undefined) !== (signIns === 0))
      ledger.violation(`session ${id} has ${signIns} sign-ins and ${row === undefined ? 'no' : 'one'} end`);
    if (row === undefined) continue;
    const reason = String(row['reason']);
    const endedAtMs = fromSqlTime(row['logged_out_at']) ?? 0;
    const recordedAtMs = fromSqlTime(row['recorded_at']) ?? 0;
    const fault = session.faultOf(reason, endedAtMs);
    if (fault !== null) ledger.violation(`session ${id}: ${reason} at ${endedAtMs}, but ${fault}`);
    ledger.count(`ends: ${reason}`);
    if (!isExpiry(reason)) continue;
    if (recordedAtMs < endedAtMs) ledger.violation(`session ${id}: recorded before it expired`);
    lateMs.push(recordedAtMs - dueFromMs(endedAtMs));
  }
  const strangers = [...loginsOf.keys(), ...logoutsOf.keys()].filter((id) => !sessions.has(id));
  if (strangers.length > 0) ledger.violation(`${strangers.length} rows are those of unknown sessions`);
  return lateMs.sort((a, b) => a - b);
}
