import type { CandidateName } from './candidates.ts';
import { baseline, betterAuth, service, type Prepare } from './requests.ts';

export const SCENARIO_NAMES = [
  'session check',
  '/home/',
  'session list',
  'logout',
  'revoke all',
  'sign-in',
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** A candidate in a scenario: one row of the table. */
export interface Case {
  scenario: ScenarioName;
  candidate: CandidateName;
  /** Tells cases of one candidate apart; empty if there is only one. */
  variant: string;
  load: Load;
  prepare: Prepare;
}

export interface Load {
  /** How many times fewer requests than for a session check. */
  fewer: number;
  connections: number;
  /** False: each request uses up something of its own, such as the session that it ends. */
  isRepeatable: boolean;
  /** Until V8 has optimised what runs often: a Worker in production is warm. */
  warmUpRounds: number;
}

/** Four at a time: the Worker never waits for a client, and two cores have room for them. */
const READS: Load = { fewer: 1, connections: 4, isRepeatable: true, warmUpRounds: 5 };
const ENDINGS: Load = { fewer: 4, connections: 4, isRepeatable: false, warmUpRounds: 3 };
/** A sign-in is CPU: a second one at the same time would only wait for the first. */
const SIGN_INS: Load = { fewer: 100, connections: 1, isRepeatable: false, warmUpRounds: 1 };
const ONE_AT_A_TIME: Load = { fewer: 1, connections: 1, isRepeatable: true, warmUpRounds: 1 };

const ofCase = (
  scenario: ScenarioName,
  candidate: CandidateName,
  variant: string,
  load: Load,
  prepare: Prepare,
): Case => ({ scenario, candidate, variant, load, prepare });

/** The two that every other case is compared with. */
export const HONO_BASELINE = ofCase('session check', 'hono-baseline', '', READS, baseline.check);
export const FETCH_BASELINE = ofCase('session check', 'fetch-baseline', '', READS, baseline.check);
export const CHECK_BY_BEARER = ofCase('session check', 'service', 'bearer', READS, service.checkByBearer);
export const HOME = ofCase('/home/', 'service', '', READS, service.home);

export const BASELINE_LOGOUT = ofCase('logout', 'hono-baseline', 'three calls', ENDINGS, baseline.logout);
export const LOGOUT = ofCase('logout', 'service', 'bearer', ENDINGS, service.logoutByBearer);
export const LOGOUT_OF_NONE = ofCase('logout', 'service', 'already ended', READS, service.logoutOfNone);

export const ONE_ROUND_TRIP = ofCase(
  'sign-in',
  'hono-baseline',
  'one round trip',
  ONE_AT_A_TIME,
  baseline.check,
);
export const BCRYPT = ofCase('sign-in', 'bcrypt', '', { ...SIGN_INS, isRepeatable: true }, baseline.bcrypt);
export const SIGN_IN = ofCase('sign-in', 'service', '', SIGN_INS, service.signIn);

export const CASES: readonly Case[] = [
  HONO_BASELINE,
  FETCH_BASELINE,
  CHECK_BY_BEARER,
  ofCase('session check', 'service', 'cookie', READS, service.checkByCookie),
  ofCase('session check', 'better-auth', '', READS, betterAuth.check),
  HOME,
  ofCase('session list', 'service', '', READS, service.list),
  ofCase('session list', 'better-auth', '', READS, betterAuth.list),
  BASELINE_LOGOUT,
  LOGOUT,
  LOGOUT_OF_NONE,
  ofCase('logout', 'service', 'page', ENDINGS, service.logoutPage),
  ofCase('logout', 'better-auth', '', ENDINGS, betterAuth.logout),
  ofCase('revoke all', 'service', '', ENDINGS, service.revokeAll(2)),
  ofCase('revoke all', 'better-auth', '', ENDINGS, betterAuth.revokeAll),
  ONE_ROUND_TRIP,
  BCRYPT,
  SIGN_IN,
  ofCase('sign-in', 'better-auth', '', SIGN_INS, betterAuth.signIn),
];
