import type { SoakClient } from './client.ts';
import type { HttpResponse } from './http.ts';
import { ALL_SESSIONS, type ReceiptLine, type TrackedSession } from './ledger.ts';

export async function signOut(client: SoakClient, session: TrackedSession, onPage: boolean): Promise<void> {
  const { ledger } = client;
  client.mayEnd({ reason: 'logout', target: session.id });
  const response = await client.sendAs(session, {
    method: onPage ? 'POST' : 'DELETE',
    path: onPage ? '/logout/' : '/api/v1/sessions/current',
    expected: onPage ? [303] : [200],
  });
  if (response.status === 503) return ledger.count('sign-outs not confirmed');
  ledger.count('sign-outs confirmed');
  ledger.ended(session, response.receivedAtMs);
  if (!onPage) readReceipt(client, response);
  if (session.kind === 'cookie' && response.cookies.get('sessionid') !== '') {
    ledger.violation('a confirmed sign-out keeps the cookie');
  }
}

/** Ends one of the user's other sessions; `choose` picks it among their public ids. */
export async function revokeOne(
  client: SoakClient,
  session: TrackedSession,
  onPage: boolean,
  choose: (ids: readonly string[]) => string,
): Promise<void> {
  const { ledger } = client;
  const others = (await client.list(session)).filter((id) => id !== session.id);
  if (others.length === 0) return;
  const target = choose(others);
  client.mayEnd({ reason: 'revoked', target });
  const response = await client.sendAs(session, {
    ...(onPage
      ? { method: 'POST', path: '/sessions/revoke/', form: { id: target } }
      : { method: 'DELETE', path: `/api/v1/sessions/${target}` }),
    expected: onPage ? [303] : [200, 401, 404],
  });
  if (response.status === 503) return ledger.count('revocations not confirmed');
  if (!client.wasOpen(session, response)) return;
  // 404, or the page's notice, means that it had ended before.
  const tracked = ledger.sessions.get(target);
  if (tracked !== undefined) ledger.ended(tracked, response.receivedAtMs);
  if (response.status === 404 || response.location?.endsWith('done=unknown') === true) return;
  ledger.count('revocations confirmed');
  if (!onPage) readReceipt(client, response);
}

/** Ends the user's other sessions, or all of them. */
export async function revokeMany(
  client: SoakClient,
  session: TrackedSession,
  onPage: boolean,
  scope: 'others' | 'all',
): Promise<void> {
  const { ledger, user } = client;
  const known = [...ledger.sessions.values()].filter(({ userId }) => userId === user.id);
  client.mayEnd(
    scope === 'all'
      ? { reason: 'logout_all', target: ALL_SESSIONS }
      : { reason: 'logout_others', target: ALL_SESSIONS, except: session.id },
  );
  const response = await client.sendAs(session, {
    ...(onPage
      ? { method: 'POST', path: '/sessions/revoke/', form: { scope } }
      : { method: 'DELETE', path: `/api/v1/sessions?scope=${scope}` }),
    expected: onPage ? [303] : [200, 401],
  });
  if (response.status === 503) return ledger.count('revocations not confirmed');
  if (!client.wasOpen(session, response)) return;
  ledger.count('revocations confirmed');
  for (const each of known) {
    if (scope === 'all' || each !== session) ledger.ended(each, response.receivedAtMs);
  }
  if (!onPage) readReceipt(client, response);
}

function readReceipt({ ledger }: SoakClient, { body, receivedAtMs }: HttpResponse): void {
  const { revoked, logouts } = JSON.parse(body) as { revoked: number; logouts: ReceiptLine[] };
  if (revoked !== logouts.length) {
    ledger.violation(`a receipt reports ${revoked} sessions and lists ${logouts.length}`);
  }
  ledger.receipt(logouts, receivedAtMs);
}
