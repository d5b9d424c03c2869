import fc from 'fast-check';
import { END_EXPIRED } from '../../../src/session/redis-session-ends.ts';
import { ABANDON, END, END_OTHERS, REFRESH, RENEW, REVOKE, START } from '../../../src/session/scripts.ts';
import type { StoreName } from '../../../tools/local-cloud/calls.ts';
import type { FaultEffect, FaultScope } from '../../../tools/local-cloud/faults.ts';
import { runsScript } from '../../support/scripts.ts';

const HTML = { body: '<html><h1>Bad gateway</h1></html>', contentType: 'text/html' } as const;

/** Longer than a response may wait for a store. */
const LONG_FAULT_MS = 2200;

/** Its port is closed, or each call that reaches it meets this fault. */
type Effect = FaultEffect | { readonly kind: 'close' };

export interface ShortOutage {
  readonly pauseMs: number;
  readonly store: StoreName;
  readonly effect: Effect;
  readonly lastsMs: number;
  readonly scope: FaultScope;
}

const anyPause = fc.integer({ min: 150, max: 900 });
const anyScope = fc.record({
  everyNth: fc.oneof(
    { weight: 6, arbitrary: fc.constant(1) },
    { weight: 4, arbitrary: fc.integer({ min: 2, max: 3 }) },
  ),
});

const FIXED_EFFECTS: readonly Effect[] = [
  { kind: 'close' },
  { kind: 'refuse' },
  { kind: 'hang' },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, ...HTML },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 200, ...HTML },
  { kind: 'status', status: 200, body: '{"message":"OK"}' },
  { kind: 'lose-answer' },
];
/** All kinds are equally likely. */
const anyEffect = fc.oneof(
  { weight: FIXED_EFFECTS.length, arbitrary: fc.constantFrom(...FIXED_EFFECTS) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delay'), ms: fc.integer({ min: 20, max: 400 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('late'), ms: fc.integer({ min: 200, max: 2600 }) }) },
);

const anyStoreOutage = fc.record({
  pauseMs: anyPause,
  store: fc.oneof(
    { weight: 4, arbitrary: fc.constant('redis') },
    { weight: 6, arbitrary: fc.constant('mysql') },
  ),
  effect: anyEffect,
  lastsMs: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 50, max: 500 }) },
    { weight: 1, arbitrary: fc.constant(LONG_FAULT_MS) },
  ),
  scope: anyScope,
});

const SESSION_SCRIPTS = [START, ABANDON, REFRESH, END, REVOKE, RENEW, END_OTHERS, END_EXPIRED];

/**
 * Only the scripts that start, refresh and end sessions fail, so the rest of a sign-in succeeds. The Worker can't know
 * whether there is a session then, and has to clean up.
 */
const anyScriptOutage = fc.record({
  pauseMs: anyPause,
  store: fc.constant('redis'),
  effect: fc.constantFrom<Effect>({ kind: 'lose-answer' }, { kind: 'late', ms: 2000 }),
  lastsMs: fc.constant(800),
  scope: anyScope.map((scope) => ({
    ...scope,
    match: (call: Parameters<typeof runsScript>[0]) => runsScript(call, ...SESSION_SCRIPTS),
  })),
});

/** Which store fails, how, and for how long. */
export const anyShortOutage: fc.Arbitrary<ShortOutage> = fc.oneof(
  { weight: 8, arbitrary: anyStoreOutage },
  { weight: 2, arbitrary: anyScriptOutage },
);
