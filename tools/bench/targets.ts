import { API_BUDGETS, BUNDLE_GZIP_MAX_BYTES, SESSION_REDIS_MAX_BYTES } from '../budgets.ts';
import type { Bundle } from './bundles.ts';
import type { SessionMemory } from './memory.ts';
import { cpuRatio, findRow, type Row } from './rows.ts';

// What a clock has to measure; the rest is in `budgets.ts`.
const CHECK_TO_FLOOR_MAX = 1.35;
const BETTER_AUTH_TO_CHECK_MIN = 4;
const SIGN_IN_TO_BCRYPT_MAX = 1.05;
const LOGOUT_TO_FLOOR_MAX = 2;

const CHECK_REDIS_COMMANDS = API_BUDGETS['GET /api/v1/sessions/current, bearer'].all.redisCommands;
const LOGOUT_WAITS = API_BUDGETS['DELETE /api/v1/sessions/current, bearer'].before.roundTrips;
const SIGN_IN_WAITS = API_BUDGETS['POST /api/v1/sessions, right'].before.roundTrips;

export interface Target {
  what: string;
  limit: string;
  measured: string;
  isMet: boolean;
}

const atMost = (what: string, limit: number, measured: number, unit = ''): Target => ({
  what,
  limit: `≤ ${limit}${unit}`,
  measured: `${measured.toFixed(unit === 'x' ? 2 : unit === ' KiB' ? 1 : 0)}${unit}`,
  isMet: measured <= limit,
});

/** Compares what was measured with what was promised; what was left out of this run is left out here. */
export function judge(rows: readonly Row[], bundle: Bundle, memory: readonly SessionMemory[]): Target[] {
  const targets: Target[] = [];
  const floor = findRow(rows, 'session check', 'floor');
  const betterAuth = findRow(rows, 'session check', 'better-auth');
  for (const variant of ['bearer', 'cookie']) {
    const check = findRow(rows, 'session check', 'service', variant);
    if (check === null) continue;
    if (floor !== null) {
      targets.push(
        atMost(
          `session check (${variant}), CPU by the floor's`,
          CHECK_TO_FLOOR_MAX,
          cpuRatio(check, floor),
          'x',
        ),
      );
    }
    if (betterAuth !== null) {
      const times = cpuRatio(betterAuth, check);
      targets.push({
        what: `better-auth's session check, CPU by ours (${variant})`,
        limit: `≥ ${BETTER_AUTH_TO_CHECK_MIN}x`,
        measured: `${times.toFixed(2)}x`,
        isMet: times >= BETTER_AUTH_TO_CHECK_MIN,
      });
    }
    targets.push(
      atMost(
        `session check (${variant}), Redis commands`,
        CHECK_REDIS_COMMANDS,
        check.cost.all.redisCommands,
      ),
    );
  }
  for (const [variant, what] of [
    ['bearer', 'logout with the row behind it'],
    ['already ended', "logout's answer alone"],
  ] as const) {
    const logout = findRow(rows, 'logout', 'service', variant);
    if (logout === null) continue;
    targets.push(atMost(`${what}, waits before the answer`, LOGOUT_WAITS, logout.cost.before.roundTrips));
    if (floor !== null) {
      targets.push(
        atMost(`${what}, CPU by the floor's check`, LOGOUT_TO_FLOOR_MAX, cpuRatio(logout, floor), 'x'),
      );
    }
  }
  const logout = findRow(rows, 'logout', 'service', 'bearer');
  const sameCalls = findRow(rows, 'logout', 'floor', 'three calls');
  if (logout !== null && sameCalls !== null) {
    const what = "logout with the row behind it, CPU by the floor's same three calls";
    targets.push(atMost(what, LOGOUT_TO_FLOOR_MAX, cpuRatio(logout, sameCalls), 'x'));
  }
  targets.push(...judgeSignIn(rows));
  targets.push(atMost('bundle, gzip', BUNDLE_GZIP_MAX_BYTES / 1024, bundle.gzipBytes / 1024, ' KiB'));
  for (const { sessionsPerUser, bytesPerSession } of memory) {
    targets.push(
      atMost(
        `Redis memory of a session, ${sessionsPerUser} a user`,
        SESSION_REDIS_MAX_BYTES,
        bytesPerSession,
        ' bytes',
      ),
    );
  }
  return targets;
}

/** What a sign-in takes beyond its waits on the stores by a lone bcrypt, in time and in CPU. */
function judgeSignIn(rows: readonly Row[]): Target[] {
  const signIn = findRow(rows, 'sign-in', 'service')?.median;
  const bcrypt = findRow(rows, 'sign-in', 'bcrypt')?.median;
  const wait = findRow(rows, 'sign-in', 'floor', 'one wait')?.median;
  const waits = findRow(rows, 'sign-in', 'service')?.cost.before.roundTrips;
  if (signIn === undefined || bcrypt === undefined || wait === undefined || waits === undefined) return [];
  // A floor's request is one wait, with what the Worker and the network need for it.
  const waitsMs = signIn.storeMs + SIGN_IN_WAITS * (wait.p50Ms - wait.storeMs);
  return [
    atMost(
      'sign-in less its two waits, time by a lone bcrypt',
      SIGN_IN_TO_BCRYPT_MAX,
      (signIn.p50Ms - waitsMs) / bcrypt.p50Ms,
      'x',
    ),
    atMost(
      'sign-in less two waits, CPU by a lone bcrypt',
      SIGN_IN_TO_BCRYPT_MAX,
      (signIn.cpuMs - SIGN_IN_WAITS * wait.cpuMs) / bcrypt.cpuMs,
      'x',
    ),
    atMost('sign-in, waits before the answer', SIGN_IN_WAITS, waits),
  ];
}
