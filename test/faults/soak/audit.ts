import type { CloudProxy, Row } from '../../../tools/local-cloud/proxy.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { allOpenSessions } from '../store-state.ts';
import { credentialHeaders, send, type SoakWorker } from './http.ts';
import type { Cause, Ledger, TrackedSession } from './ledger.ts';

export interface Audit {
  readonly worker: SoakWorker;
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
}

/** How long the background work of the last requests may take: it is retried for 15 s. */
const SETTLING_DEADLINE_MS = 40_000;
const PAUSE_MS = 250;
/** No client has it. */
const AUDITOR_IP_ADDRESS = '198.51.100.1';

/** Runs the cron until every event has its row and no session is open whose token no client received. */
export async function settle(audit: Audit): Promise<void> {
  const { worker, cloud, ledger } = audit;
  const deadlineMs = Date.now() + SETTLING_DEADLINE_MS;
  for (;;) {
    await cloud.settled();
    await worker.scheduled();
    const { pending, setAside } = await openCloudStores(cloud).outbox.status();
    const unknown = (await openIds(cloud)).filter((id) => !ledger.sessions.has(id));
    if (pending === 0 && unknown.length === 0) {
      if (setAside !== 0) ledger.violation(`${setAside} events are set aside`);
      return;
    }
    if (Date.now() > deadlineMs) {
      if (pending > 0) ledger.violation(`${pending} events are still in the outbox`);
      for (const id of unknown) ledger.violation(`session ${id} is open, and no client has its token`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function openIds(cloud: CloudProxy): Promise<string[]> {
  return (await allOpenSessions(cloud)).map(({ id }) => id);
}

/** Compares what the clients know with what the Worker says and the tables contain. */
export async function auditAll(audit: Audit): Promise<void> {
  const open = await auditSessions(audit);
  await auditLogouts(audit);
  await auditLogins(audit);
  const { ledger } = audit;
  ledger.count('sessions open at the end', open.length);
}

/** Whether the Worker accepts this session's credential. */
async function isOpen(worker: SoakWorker, ledger: Ledger, session: TrackedSession): Promise<boolean> {
  const { status } = await send(worker, ledger, AUDITOR_IP_ADDRESS, {
    method: 'GET',
    path: '/api/v1/sessions/current',
    headers: credentialHeaders(session),
    expected: [200, 401],
  });
  return status === 200;
}

/** No ended session is open; each open one is listed, and nothing else is. */
async function auditSessions(audit: Audit): Promise<TrackedSession[]> {
  const { worker, cloud, ledger } = audit;
  const open: TrackedSession[] = [];
  for (const session of ledger.sessions.values()) {
    const sentAtMs = Date.now();
    if (await isOpen(worker, ledger, session)) {
      ledger.wasOpen(session, sentAtMs);
      open.push(session);
    } else ledger.ended(session, Date.now());
  }
  compare(ledger, 'records', await openIds(cloud), open);
  for (const [userId, sessions] of Map.groupBy(open, (session) => session.userId)) {
    const { body } = await send(worker, ledger, AUDITOR_IP_ADDRESS, {
      method: 'GET',
      path: '/api/v1/sessions',
      headers: credentialHeaders(sessions[0]!),
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
  ledger.violation(`${what}: ${[...ids].sort().join(' ')}; open are ${expected.join(' ')}`);
}

/** Every ended session has exactly one row, with the reason and the address of a request that can have ended it. */
async function auditLogouts({ cloud, ledger }: Audit): Promise<void> {
  const rows = await cloud.query('SELECT id, user_id, session_id, reason, ip_address FROM logout_activity');
  const bySession = Map.groupBy(rows, (row) => String(row['session_id']));
  const ended = [...ledger.sessions.values()].filter(({ endedAtMs }) => endedAtMs !== null);
  ledger.count('rows expected', ended.length);
  for (const session of ledger.sessions.values()) {
    const found = bySession.get(session.id) ?? [];
    const expected = session.endedAtMs === null ? 0 : 1;
    if (found.length !== expected) {
      ledger.violation(`session ${session.id} has ${found.length} rows instead of ${expected}`);
    }
    const causes = ledger.causesOf(session);
    for (const row of found) {
      if (!causes.some((cause) => canHaveCaused(cause, row))) {
        const [reason, ip] = [row['reason'], row['ip_address']].map(String);
        ledger.violation(`session ${session.id}: no request can have caused its row (${reason} from ${ip})`);
      }
    }
    bySession.delete(session.id);
  }
  ledger.count('rows found', rows.length - [...bySession.values()].flat().length);
  auditUnknown(ledger, [...bySession.values()]);
  const byId = new Map(rows.map((row) => [String(row['id']), row]));
  for (const { id, session_id: sessionId, reason } of ledger.receipts) {
    const row = byId.get(id);
    if (row?.['session_id'] !== sessionId || row['reason'] !== reason)
      ledger.violation(`receipt ${id} has no such row`);
  }
  ledger.count('receipt lines with their row', ledger.receipts.length);
}

const canHaveCaused = (cause: Cause, row: Row): boolean =>
  cause.reason === row['reason'] && cause.ipAddress === row['ip_address'];

/**
 * Rows of sessions that no client knows: started by a sign-in without a response, then abandoned or ended by another client
 * before that. There can't be more of them than there were such sign-ins.
 */
function auditUnknown(ledger: Ledger, unknown: readonly Row[][]): void {
  ledger.count('rows of sessions whose start was not confirmed', unknown.length);
  for (const [userId, groups] of Map.groupBy(unknown, ([row]) => String(row?.['user_id']))) {
    const possible = ledger.unconfirmedSignIns.get(userId) ?? 0;
    if (groups.length > possible) {
      ledger.violation(
        `user ${userId}: ${groups.length} unknown sessions ended, at most ${possible} can have started`,
      );
    }
    for (const rows of groups) {
      const reasons = rows.map((row) => String(row['reason']));
      const isPossible =
        reasons.length === 1 && /^(?:abandoned|evicted|revoked|logout_(?:others|all))$/.test(reasons[0]!);
      if (!isPossible) ledger.violation(`user ${userId}: unknown session with rows ${reasons.join(', ')}`);
    }
  }
}

/** Every confirmed sign-in is recorded once, and every recorded one, confirmed or not, has its end or is open. */
async function auditLogins({ cloud, ledger }: Audit): Promise<void> {
  const rows = await cloud.query("SELECT session_id FROM login_activity WHERE outcome = 'success'");
  const counts = new Map<string, number>();
  for (const row of rows) {
    const id = String(row['session_id']);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  for (const { id } of ledger.sessions.values()) {
    const count = counts.get(id) ?? 0;
    if (count !== 1) ledger.violation(`session ${id} has ${count} logins instead of 1`);
  }
  const unended = await cloud.query(
    `SELECT i.session_id FROM login_activity AS i LEFT JOIN logout_activity AS o ON o.session_id = i.session_id
     WHERE i.outcome = 'success' AND o.id IS NULL`,
  );
  compare(
    ledger,
    'sign-ins without an end',
    unended.map((row) => String(row['session_id'])),
    [...ledger.sessions.values()].filter(({ endedAtMs }) => endedAtMs === null),
  );
}
