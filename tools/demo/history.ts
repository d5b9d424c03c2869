import type { LoginOutcome, LogoutReason } from '../../src/activity/events.ts';
import { unknownName } from '../../src/auth/username.ts';
import { NO_CLIENT, type ClientInfo } from '../../src/lib/client-info.ts';
import { sha256 } from '../../src/lib/hash.ts';
import {
  ATTACKER,
  clientOf,
  DISABLED,
  HOTEL,
  JOURNEYS,
  NAMES_OF_NO_ONE,
  PEOPLE,
  type Person,
} from './people.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** What happened, without the id of its user. */
interface PastEvent {
  /** Primary key of its row, and always the same for the same event. */
  readonly id: string;
  readonly username: string;
  readonly sessionId: string | null;
  readonly client: ClientInfo;
  readonly atMs: number;
  readonly recordedAtMs: number;
}
export type Login = PastEvent & { readonly outcome: LoginOutcome };
export type Logout = PastEvent & { readonly reason: LogoutReason };

export interface History {
  readonly logins: Login[];
  readonly logouts: Logout[];
}

/** How sessions end, one after the other. */
const ENDS: readonly LogoutReason[] = [
  'logout',
  'expired_idle',
  'logout',
  'replaced',
  'logout',
  'revoked',
  'logout',
  'logout_others',
  'logout',
  'expired_absolute',
  'logout',
  'logout_all',
  'expired_idle',
  'logout',
  'password_changed',
  'logout',
  'evicted',
  'expired_idle',
  'logout',
  'admin',
  'logout',
  'abandoned',
  'logout',
];
/** By another device of the same user. */
const FROM_ELSEWHERE: readonly LogoutReason[] = [
  'revoked',
  'logout_others',
  'logout_all',
  'password_changed',
  'evicted',
];

const FAILURES_BEFORE_SIGN_IN = 6;
const LATE_MS = 5 * MINUTE_MS;
const ABANDONED_AFTER_MS = 1500;

/**
 * What happened on a day (in days since 1970), as far as it was over at `nowMs`: the same at each call, so that rows made
 * of it can be added twice. Each session has an end.
 */
export function historyOf(day: number, nowMs: number, secretKey: string): History {
  const history: History = { logins: [], logouts: [] };
  const startMs = day * DAY_MS;
  const turn = (length: number, factor: number) => (day * factor) % length;

  PEOPLE.forEach((person, i) => {
    for (let n = 0; n < 2; n += 1) {
      const key = `${day}/${person.username}/${n}`;
      if (n > 0 && draw(key, 'again') < 0.4) continue;
      const at = startMs + (n === 0 ? 6 : 14) * HOUR_MS + draw(key, 'at') * 6 * HOUR_MS;
      const reason = ENDS[(day * 7 + i * 5 + n * 3) % ENDS.length]!;
      const client = clientOf(
        person,
        Math.floor(draw(key, 'browser') * 4),
        draw(key, 'address') < 0.7 ? 0 : 1,
      );
      const mistakes = draw(key, 'mistakes') < 0.2 ? 1 + Math.floor(draw(key, 'more') * 2) : 0;
      addSession(history, nowMs, { key, person, client, at, reason, mistakes });
    }
  });

  // Someone forgot a password, someone is on a journey, and MySQL is out for a moment. Twice a day, so that the past day
  // has it at any time.
  const forgetful = PEOPLE[turn(PEOPLE.length, 2)]!;
  const traveller = PEOPLE[turn(PEOPLE.length, 5)]!;
  const abroad = { ipAddress: HOTEL, country: JOURNEYS[turn(JOURNEYS.length, 3)]! };
  for (const hour of [3, 15]) {
    addSession(history, nowMs, {
      key: `${day}/forgetful/${hour}`,
      person: forgetful,
      client: clientOf(forgetful, 0, 1),
      at: startMs + (hour + 2) * HOUR_MS,
      reason: 'logout',
      mistakes: FAILURES_BEFORE_SIGN_IN,
    });
    addSession(history, nowMs, {
      key: `${day}/traveller/${hour}`,
      person: traveller,
      client: { ...clientOf(traveller, 1, 0), ...abroad },
      at: startMs + hour * HOUR_MS,
      reason: 'revoked',
      mistakes: 0,
      lateMs: LATE_MS,
    });
  }

  const attackedNames = PEOPLE.map(({ username }) => username);
  const attack = [
    ...attackedNames.slice(0, 6),
    ...NAMES_OF_NO_ONE.map((name) => unknownName(name, secretKey)),
  ];
  attack.forEach((username, n) =>
    addFailure(history, nowMs, `${day}/attack/${n}`, username, ATTACKER, startMs + 13 * HOUR_MS + n * 700),
  );
  addFailure(
    history,
    nowMs,
    `${day}/throttled`,
    PEOPLE[1]!.username,
    ATTACKER,
    startMs + 13.2 * HOUR_MS,
    'throttled',
  );
  const former = clientOf(DISABLED, 0, 0);
  if (day % 3 === 0)
    addFailure(history, nowMs, `${day}/former`, DISABLED.username, former, startMs + 9 * HOUR_MS, 'inactive');
  return history;
}

interface PastSession {
  readonly key: string;
  readonly person: Person;
  readonly client: ClientInfo;
  readonly at: number;
  readonly reason: LogoutReason;
  /** Failed attempts before it. */
  readonly mistakes: number;
  readonly lateMs?: number;
}

function addSession(history: History, nowMs: number, past: PastSession): void {
  const { key, person, client, at, reason, mistakes, lateMs = 0 } = past;
  const { username } = person;
  const endsAtMs = at + lengthOf(key, reason);
  if (endsAtMs + lateMs + MINUTE_MS > nowMs) return;
  for (let n = mistakes; n > 0; n -= 1) {
    const failedAtMs = at - n * 4 * MINUTE_MS;
    addFailure(history, nowMs, `${key}/${n}`, username, client, failedAtMs);
  }
  const sessionId = digits(`${key}/session`).slice(0, 26);
  const login = event(`${key}/in`, { username, sessionId, client, atMs: at }, lateMs);
  history.logins.push({ ...login, outcome: 'success' });
  const ender = enderOf(past);
  const logout = event(`${key}/out`, { username, sessionId, client: ender, atMs: endsAtMs }, lateMs);
  history.logouts.push({ ...logout, reason });
}

/** Who ends a session: its own client, sometimes from another network, or another device, or an operator. */
function enderOf({ key, person, client, reason }: PastSession): ClientInfo {
  if (reason === 'admin') return NO_CLIENT;
  const isElsewhere = FROM_ELSEWHERE.includes(reason);
  if (isElsewhere) return clientOf(person, Math.floor(draw(key, 'elsewhere') * 4), 1);
  const hasMoved = reason === 'logout' && draw(key, 'moved') < 0.25;
  return hasMoved ? { ...client, ipAddress: person.addresses[1] } : client;
}

function lengthOf(key: string, reason: LogoutReason): number {
  const ms = MINUTE_MS + draw(key, 'length') * 3 * HOUR_MS;
  if (reason === 'expired_idle') return 2 * HOUR_MS + ms;
  if (reason === 'expired_absolute') return DAY_MS;
  return reason === 'abandoned' ? ABANDONED_AFTER_MS : ms;
}

function addFailure(
  history: History,
  nowMs: number,
  key: string,
  username: string,
  client: ClientInfo,
  atMs: number,
  outcome: LoginOutcome = 'bad_credentials',
): void {
  if (atMs > nowMs) return;
  history.logins.push({ ...event(key, { username, sessionId: null, client, atMs }), outcome });
}

function event(key: string, event: Omit<PastEvent, 'id' | 'recordedAtMs'>, lateMs = 0): PastEvent {
  const atMs = Math.round(event.atMs);
  const recordedAtMs = atMs + 20 + Math.floor(draw(key, 'recorded') * 200) + lateMs;
  // A UUIDv7, whose last part is always the same for this event.
  const hex = atMs.toString(16).padStart(12, '0') + digits(key);
  const id = hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-7$3-8$4-$5');
  return { ...event, id, atMs, recordedAtMs };
}

const digits = (key: string): string => sha256(`demo/${key}`).toString('hex');

/** A number from 0 up to, not including, 1: always the same for the same key. */
const draw = (key: string, purpose: string): number =>
  parseInt(digits(`${key}/${purpose}`).slice(0, 8), 16) / 2 ** 32;
