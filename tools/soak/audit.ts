import { decodeRecord } from '../../src/session/record.ts';
import type { CloudProxy, Row } from '../local-cloud/proxy.ts';
import { send, type SoakWorker } from './http.ts';
import type { Cause, Ledger, TrackedSession } from './ledger.ts';

export interface Audit {
  readonly worker: SoakWorker;
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
}

/** How long the work behind the last answers may take: it is tried again for 15 s. */
const SETTLING_DEADLINE_MS = 40_000;
const PAUSE_MS = 250;

/** Runs the cron until every event has its row and no session is left that nobody holds. */
export async function settle(audit: Audit): Promise<void> {
  const { worker, cloud, ledger } = audit;
  const deadlineMs = Date.now() + SETTLING_DEADLINE_MS;
  for (;;) {
    await cloud.settled();
    await worker.scheduled();
    const { pending, setAside } = await readOutbox(worker);
    const strays = (await openRecords(cloud)).filter((id) => !ledger.sessions.has(id));
    if (pending === 0 && strays.length === 0) {
      if (setAside !== 0) ledger.breach(`${setAside} events are set aside`);
      return;
    }
    if (Date.now() > deadlineMs) {
      if (pending > 0) ledger.breach(`${pending} events are still in the outbox`);
      for (const id of strays) ledger.breach(`session ${id} is open, and nobody has its token`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function readOutbox(worker: SoakWorker): Promise<{ pending: number; setAside: number }> {
  const response = await worker.fetch('https://login.example.org/readyz');
  const { outbox } = (await response.json()) as { outbox: { pending: number; set_aside: number } | null };
  return { pending: outbox?.pending ?? Infinity, setAside: outbox?.set_aside ?? 0 };
}

/** Public ids of all sessions that are open by their records. */
async function openRecords(cloud: CloudProxy): Promise<string[]> {
  const keys = await cloud.redis.keys('session:*');
  const records = keys.length === 0 ? [] : await cloud.redis.mget(keys);
  return records.flatMap((text) => {
    const record = text === null ? null : decodeRecord(text);
    return record !== null && 'session' in record ? [record.session.id] : [];
  });
}

/** Compares what the clients know with what the service says and the tables hold. */
export async function auditAll(audit: Audit): Promise<void> {
  const open = await auditSessions(audit);
  await auditLogouts(audit);
  await auditLogins(audit);
  const { ledger } = audit;
  ledger.count('sessions open at the end', open.length);
}

/** Whether this session answers, asked as its holder would. */
async function isOpen(worker: SoakWorker, ledger: Ledger, { kind, token }: TrackedSession): Promise<boolean> {
  const headers: Record<string, string> =
    kind === 'bearer' ? { Authorization: `Bearer ${token}` } : { Cookie: `sessionid=${token}` };
  const { status } = await send(worker, ledger, '198.51.100.1', {
    method: 'GET',
    path: '/api/v1/sessions/current',
    headers,
    expected: [200, 401],
  });
  return status === 200;
}

/** No ended session answers; each that answers is listed, and the other way round. */
async function auditSessions(audit: Audit): Promise<TrackedSession[]> {
  const { worker, cloud, ledger } = audit;
  const open: TrackedSession[] = [];
  for (const session of ledger.sessions.values()) {
    const sentAtMs = Date.now();
    if (await isOpen(worker, ledger, session)) {
      ledger.answered(session, sentAtMs);
      open.push(session);
    } else ledger.ended(session, Date.now());
  }
  const records = await openRecords(cloud);
  compare(ledger, 'records', records, open);
  for (const [userId, sessions] of Map.groupBy(open, (session) => session.userId)) {
    const { kind, token } = sessions[0]!;
    const { body } = await send(worker, ledger, '198.51.100.1', {
      method: 'GET',
      path: '/api/v1/sessions',
      headers: kind === 'bearer' ? { Authorization: `Bearer ${token}` } : { Cookie: `sessionid=${token}` },
      expected: [200],
    });
    const listed = (JSON.parse(body) as { sessions: { id: string }[] }).sessions.map(({ id }) => id);
    compare(ledger, `list of user ${userId}`, listed, sessions);
  }
  return open;
}

function compare(
  ledger: Ledger,
  what: string,
  ids: readonly string[],
  open: readonly TrackedSession[],
): void {
  const expected = open.map(({ id }) => id).sort();
  if (JSON.stringify([...ids].sort()) === JSON.stringify(expected)) return;
  ledger.breach(`${what}: ${[...ids].sort().join(' ')}, and open are ${expected.join(' ')}`);
}

/** Every end has exactly one row, with the reason and the address of a request that can have caused it. */
async function auditLogouts({ cloud, ledger }: Audit): Promise<void> {
  const rows = await cloud.query('SELECT id, user_id, session_id, reason, ip_address FROM logout_activity');
  const bySession = Map.groupBy(rows, (row) => String(row['session_id']));
  const ended = [...ledger.sessions.values()].filter(({ endedAtMs }) => endedAtMs !== null);
  ledger.count('rows expected', ended.length);
  for (const session of ledger.sessions.values()) {
    const found = bySession.get(session.id) ?? [];
    const expected = session.endedAtMs === null ? 0 : 1;
    if (found.length !== expected) {
      ledger.breach(`session ${session.id} has ${found.length} rows instead of ${expected}`);
    }
    const causes = ledger.causesOf(session);
    for (const row of found) {
      if (!causes.some((cause) => isOf(cause, row))) {
        const [reason, ip] = [row['reason'], row['ip_address']].map(String);
        ledger.breach(`session ${session.id}: nobody can have caused its row (${reason} from ${ip})`);
      }
    }
    bySession.delete(session.id);
  }
  ledger.count('rows found', rows.length - [...bySession.values()].flat().length);
  auditStrangers(ledger, [...bySession.values()]);
  const byId = new Map(rows.map((row) => [String(row['id']), row]));
  for (const { id, session_id: sessionId, reason } of ledger.receipts) {
    const row = byId.get(id);
    if (row?.['session_id'] !== sessionId || row['reason'] !== reason)
      ledger.breach(`receipt ${id} has no such row`);
  }
  ledger.count('receipt lines with their row', ledger.receipts.length);
}

const isOf = (cause: Cause, row: Row): boolean =>
  cause.reason === row['reason'] && cause.ipAddress === row['ip_address'];

/**
 * Rows of sessions that no client knows: begun by a sign-in that got no answer, and ended by somebody else's
 * "sign out everywhere" before they were given up. No more of them than there were such sign-ins.
 */
function auditStrangers(ledger: Ledger, strangers: readonly Row[][]): void {
  ledger.count('rows of sessions whose start was not confirmed', strangers.length);
  for (const [userId, groups] of Map.groupBy(strangers, ([row]) => String(row?.['user_id']))) {
    const possible = ledger.unconfirmedStarts.get(userId) ?? 0;
    if (groups.length > possible) {
      ledger.breach(
        `user ${userId}: ${groups.length} unknown sessions ended, at most ${possible} can have begun`,
      );
    }
    for (const rows of groups) {
      const reasons = rows.map((row) => String(row['reason']));
      const isPossible =
        reasons.length === 1 && /^(?:evicted|revoked|logout_(?:others|all))$/.test(reasons[0]!);
      if (!isPossible) ledger.breach(`user ${userId}: unknown session with rows ${reasons.join(', ')}`);
    }
  }
}

/** Every sign-in that was confirmed is recorded, once. */
async function auditLogins({ cloud, ledger }: Audit): Promise<void> {
  const rows = await cloud.query("SELECT session_id FROM login_activity WHERE outcome = 'success'");
  const counts = new Map<string, number>();
  for (const row of rows) {
    const id = String(row['session_id']);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  for (const { id } of ledger.sessions.values()) {
    const count = counts.get(id) ?? 0;
    if (count !== 1) ledger.breach(`session ${id} has ${count} logins instead of 1`);
  }
}
