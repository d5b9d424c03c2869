import { API_BUDGETS, BUNDLE_GZIP_MAX_BYTES, SESSION_REDIS_MAX_BYTES } from '../budgets.ts';
import type { Bundle } from './bundles.ts';
import type { SessionMemory } from './memory.ts';
import { cpuRatio, medianOf, type Result } from './results.ts';
import * as cases from './scenarios.ts';

// What a clock has to measure; everything that can be counted is in `budgets.ts`.
const CHECK_TO_BASELINE_MAX = 1.25;
const HOME_TO_BASELINE_MAX = 1.6;
const LOGOUT_TO_BASELINE_MAX = 2;
const SIGN_IN_TO_BCRYPT_MAX = 1.05;

const LOGOUT_ROUND_TRIPS = API_BUDGETS['DELETE /api/v1/sessions/current, bearer'].before.roundTrips;
const SIGN_IN_ROUND_TRIPS = API_BUDGETS['POST /api/v1/sessions, right'].before.roundTrips;

const DIGITS = { x: 2, '': 0, ' KiB': 1, ' bytes': 0 } as const;
type Limit = readonly [what: string, max: number, unit: keyof typeof DIGITS, measured: number];

export interface Target {
  what: string;
  limit: string;
  measured: string;
  isMet: boolean;
}

/** Compares what was measured with the targets, without those of parts that were left out of this run. */
export function compareWithTargets(
  results: readonly Result[],
  bundle: Bundle,
  memory: readonly SessionMemory[],
): Target[] {
  const { HONO_BASELINE, LOGOUT, LOGOUT_OF_NONE, SIGN_IN } = cases;
  const of = (wanted: cases.Case) => results.find(({ measured }) => measured === wanted);
  const ratio = (above: cases.Case, below: cases.Case) => cpuRatio(of(above), of(below));
  const roundTrips = (wanted: cases.Case) => of(wanted)?.cost.before.roundTrips ?? Number.NaN;
  const signIn = signInRatios(of(SIGN_IN), of(cases.BCRYPT), of(cases.ONE_ROUND_TRIP));
  const [check, home] = [ratio(cases.CHECK_BY_BEARER, HONO_BASELINE), ratio(cases.HOME, HONO_BASELINE)];
  const [logout, logoutOfNone] = [ratio(LOGOUT, HONO_BASELINE), ratio(LOGOUT_OF_NONE, HONO_BASELINE)];
  const logoutToSameCalls = ratio(LOGOUT, cases.BASELINE_LOGOUT);
  const limits: Limit[] = [
    ['session check (bearer), CPU by the baseline', CHECK_TO_BASELINE_MAX, 'x', check],
    ['/home/, CPU by the baseline', HOME_TO_BASELINE_MAX, 'x', home],
    ['logout, round trips before the response', LOGOUT_ROUND_TRIPS, '', roundTrips(LOGOUT)],
    ['logout and its row, CPU by the baseline', LOGOUT_TO_BASELINE_MAX, 'x', logout],
    ["logout and its row, CPU by the baseline's three calls", LOGOUT_TO_BASELINE_MAX, 'x', logoutToSameCalls],
    ['logout of an ended session, round trips', LOGOUT_ROUND_TRIPS, '', roundTrips(LOGOUT_OF_NONE)],
    ['logout of an ended session, CPU by the baseline', LOGOUT_TO_BASELINE_MAX, 'x', logoutOfNone],
    ['sign-in, round trips before the response', SIGN_IN_ROUND_TRIPS, '', roundTrips(SIGN_IN)],
    ['sign-in without its round trips, time by a bcrypt', SIGN_IN_TO_BCRYPT_MAX, 'x', signIn.time],
    ['sign-in without its round trips, CPU by a bcrypt', SIGN_IN_TO_BCRYPT_MAX, 'x', signIn.cpu],
    ['bundle, gzip', BUNDLE_GZIP_MAX_BYTES / 1024, ' KiB', bundle.gzipBytes / 1024],
    ...memory.map(({ sessionsPerUser, bytesPerSession }): Limit => {
      const what = `Redis memory of a session, ${sessionsPerUser} a user`;
      return [what, SESSION_REDIS_MAX_BYTES, ' bytes', bytesPerSession];
    }),
  ];
  return limits
    .filter(([, , , measured]) => !Number.isNaN(measured))
    .map(([what, max, unit, measured]) => ({
      what,
      limit: `≤ ${max}${unit}`,
      measured: `${measured.toFixed(DIGITS[unit])}${unit}`,
      isMet: measured <= max,
    }));
}

/** What a sign-in costs besides its round trips, by a lone bcrypt. */
function signInRatios(signIn: Result | undefined, bcrypt: Result | undefined, roundTrip: Result | undefined) {
  // The Worker's and the network's part in a round trip is the baseline's; that of the stores was measured.
  const oneRoundTripMs = medianOf(roundTrip, 'p50Ms') - medianOf(roundTrip, 'storeMs');
  const roundTripsMs = medianOf(signIn, 'storeMs') + SIGN_IN_ROUND_TRIPS * oneRoundTripMs;
  const cpuMs = medianOf(signIn, 'cpuMs') - SIGN_IN_ROUND_TRIPS * medianOf(roundTrip, 'cpuMs');
  return {
    time: (medianOf(signIn, 'p50Ms') - roundTripsMs) / medianOf(bcrypt, 'p50Ms'),
    cpu: cpuMs / medianOf(bcrypt, 'cpuMs'),
  };
}
