import { timeText, type Cell } from './output.ts';
import type { FoundSession } from './stores/session-admin.ts';

const AGENT_SHOWN = 60;

export const SESSION_HEADINGS = [
  'SESSION',
  'KIND',
  'SIGNED IN',
  'LAST SEEN',
  'ENDS',
  'ADDRESS',
  'COUNTRY',
  'DEVICE',
] as const;

/** A row below `SESSION_HEADINGS`. */
export const sessionCells = ({ session }: FoundSession): Cell[] => [
  session.id,
  session.kind,
  timeText(session.createdAtMs),
  timeText(session.lastSeenAtMs),
  timeText(session.expiresAtMs),
  session.client.ipAddress,
  session.client.country,
  session.deviceName ?? session.client.userAgent?.slice(0, AGENT_SHOWN) ?? null,
];

/** As JSON, without whose it is. */
export const viewSession = ({ session }: FoundSession) => ({
  id: session.id,
  kind: session.kind,
  created_at: timeText(session.createdAtMs),
  last_seen_at: timeText(session.lastSeenAtMs),
  expires_at: timeText(session.expiresAtMs),
  ip_address: session.client.ipAddress,
  user_agent: session.client.userAgent,
  country: session.client.country,
  device_name: session.deviceName,
  remember_me: session.rememberMe,
});
