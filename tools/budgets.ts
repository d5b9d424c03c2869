import type { CallCounts } from './local-cloud/calls.ts';

// How many store calls each operation makes. `npm test` (test/budget/) asserts that each figure is exact, so when you
// save a call, lower its figure here: then it can't come back by accident. Limits on times are in `bench/targets.ts`.

/** What a request asks of the stores. */
export interface Budget {
  /** Until the response. Background work counts here if it overlaps with a round trip that the response waits for. */
  readonly before: CallCounts;
  /** Including all background work. */
  readonly all: Omit<CallCounts, 'roundTrips'>;
}

/**
 * Round trips, Redis commands and SQL statements until the response; then commands and statements in all, left out
 * where nothing is done in the background. A script is one command.
 */
type Figures =
  | readonly [roundTrips: number, redis: number, sql: number]
  | readonly [roundTrips: number, redis: number, sql: number, allRedis: number, allSql: number];

/** Each command and each statement goes in a call of its own. */
const work = (redisCommands: number, sqlStatements: number) => ({
  calls: redisCommands + sqlStatements,
  redisCommands,
  sqlStatements,
});

function budgets<Name extends string>(table: Record<Name, Figures>): Record<Name, Budget> {
  const rows = Object.entries<Figures>(table).map(
    ([name, [roundTrips, redis, sql, allRedis = redis, allSql = sql]]): [string, Budget] => [
      name,
      { before: { roundTrips, ...work(redis, sql) }, all: work(allRedis, allSql) },
    ],
  );
  return Object.fromEntries(rows) as Record<Name, Budget>;
}

/** The whole cost of a session check. */
export const ONE_REDIS_COMMAND: CallCounts = { roundTrips: 1, ...work(1, 0) };

// A row is named for a route, as the app registers it, and what is special about the request. "Stale" is a session
// whose last use has to be updated, which happens in the background.

// prettier-ignore
export const PAGE_BUDGETS = budgets({
  //                                              round trips, Redis, SQL   in all: Redis, SQL
  'GET /, no cookie':                                  [ 0, 0, 0],
  'GET /, malformed cookie':                           [ 0, 0, 0],
  'GET /, signed in':                                  [ 1, 1, 0],
  'GET /, stale':                                      [ 1, 1, 0,   2, 0],

  'GET /sign-in/, no cookie':                          [ 0, 0, 0],
  'GET /sign-in/, signed in':                          [ 1, 1, 0],
  'GET /sign-in/, signed out':                         [ 1, 1, 0],
  'POST /sign-in/, right':                             [ 2, 3, 1,   4, 3],
  'POST /sign-in/, an old session replaced':           [ 2, 3, 1,   4, 4],
  'POST /sign-in/, the oldest of 50 evicted':          [ 2, 3, 1,   4, 4],
  'POST /sign-in/, an old hash rewritten':             [ 2, 3, 1,   4, 4],
  'POST /sign-in/, wrong password':                    [ 2, 2, 1,   3, 2],
  'POST /sign-in/, unknown name':                      [ 2, 2, 1,   3, 2],
  'POST /sign-in/, inactive user':                     [ 2, 2, 1,   3, 2],
  'POST /sign-in/, throttled for the first time':      [ 2, 2, 1,   3, 2],
  'POST /sign-in/, throttled again':                   [ 1, 1, 1],
  'POST /sign-in/, no token':                          [ 0, 0, 0],
  'POST /sign-in/, no password':                       [ 0, 0, 0],

  'GET /home/, no cookie':                             [ 0, 0, 0],
  'GET /home/, malformed cookie':                      [ 0, 0, 0],
  'GET /home/, signed in':                             [ 1, 1, 0],
  'GET /home/, stale':                                 [ 1, 1, 0,   2, 0],
  'GET /home/, signed out':                            [ 1, 1, 0],

  'GET /logout/, no cookie':                           [ 0, 0, 0],
  'GET /logout/, signed in':                           [ 1, 1, 0],
  'POST /logout/, no cookie':                          [ 0, 0, 0],
  'POST /logout/, malformed cookie':                   [ 0, 0, 0],
  'POST /logout/, signed in':                          [ 1, 1, 0,   2, 1],
  'POST /logout/, duplicate cookies':                  [ 1, 1, 0,   2, 1],
  'POST /logout/, already signed out':                 [ 1, 1, 0],
  'POST /logout/, already signed out, no token':       [ 1, 1, 0],
  'POST /logout/, signed in, no token':                [ 2, 2, 0],

  'GET /sessions/, no cookie':                         [ 0, 0, 0],
  'GET /sessions/, signed in':                         [ 1, 1, 1],
  'GET /sessions/, stale':                             [ 1, 1, 1,   2, 1],
  'GET /sessions/, no CSRF cookie':                    [ 1, 1, 0],
  'POST /sessions/revoke/, no cookie':                 [ 0, 0, 0],
  'POST /sessions/revoke/, another':                   [ 1, 1, 0,   2, 1],
  'POST /sessions/revoke/, own':                       [ 1, 1, 0,   2, 1],
  'POST /sessions/revoke/, own, duplicate cookies':    [ 1, 1, 0,   2, 1],
  'POST /sessions/revoke/, others':                    [ 1, 1, 0,   2, 1],
  'POST /sessions/revoke/, all':                       [ 1, 1, 0,   2, 1],
  'POST /sessions/revoke/, unknown id':                [ 1, 1, 0],
  'POST /sessions/revoke/, no field':                  [ 0, 0, 0],
  'POST /sessions/revoke/, no token':                  [ 2, 2, 1],

  'GET /account/password/, no cookie':                 [ 0, 0, 0],
  'GET /account/password/, signed in':                 [ 1, 1, 0],
  'POST /account/password/, no cookie':                [ 0, 0, 0],
  'POST /account/password/, right':                    [ 4, 5, 2,   6, 3],
  'POST /account/password/, right, no other session':  [ 4, 5, 2],
  'POST /account/password/, wrong':                    [ 2, 3, 1],
  'POST /account/password/, against the rules':        [ 1, 1, 0],
  'POST /account/password/, throttled again':          [ 2, 3, 1],

  'GET /accounts/login/, signed in':                   [ 0, 0, 0],
  'POST /accounts/login/, signed in':                  [ 0, 0, 0],
  'GET /accounts/logout/, signed in':                  [ 0, 0, 0],
  'POST /accounts/logout/, signed in':                 [ 0, 0, 0],
  'GET /accounts/password_change/, signed in':         [ 0, 0, 0],
  'POST /accounts/password_change/, signed in':        [ 0, 0, 0],
  'GET /.well-known/change-password, signed in':       [ 0, 0, 0],
  'POST /.well-known/change-password, signed in':      [ 0, 0, 0],
  'GET /api/v1/docs, signed in':                       [ 0, 0, 0],
  'GET /healthz, signed in':                           [ 0, 0, 0],
  'GET /readyz, signed in':                            [ 1, 2, 3],
  'GET /assets/icon.svg, signed in':                   [ 0, 0, 0],
  'GET /assets/:stylesheet, signed in':                [ 0, 0, 0],
  '404, signed in':                                    [ 0, 0, 0],
  '405, signed in':                                    [ 0, 0, 0],
  'a slash missing, signed in':                        [ 0, 0, 0],
  'plain http, signed in':                             [ 0, 0, 0],
});

// prettier-ignore
export const API_BUDGETS = budgets({
  //                                              round trips, Redis, SQL   in all: Redis, SQL
  'POST /api/v1/sessions, right':                      [ 2, 3, 1,   4, 3],
  'POST /api/v1/sessions, wrong password':             [ 2, 2, 1,   3, 2],
  'POST /api/v1/sessions, throttled again':            [ 1, 1, 1],
  'POST /api/v1/sessions, no fields':                  [ 0, 0, 0],

  'GET /api/v1/sessions/current, no credentials':      [ 0, 0, 0],
  'GET /api/v1/sessions/current, malformed bearer':    [ 0, 0, 0],
  'GET /api/v1/sessions/current, bearer':              [ 1, 1, 0],
  'GET /api/v1/sessions/current, cookie':              [ 1, 1, 0],
  'GET /api/v1/sessions/current, stale bearer':        [ 1, 1, 0,   2, 0],
  'GET /api/v1/sessions/current, stale cookie':        [ 1, 1, 0,   2, 0],
  'GET /api/v1/sessions/current, ended bearer':        [ 1, 1, 0],

  'GET /api/v1/sessions, malformed bearer':            [ 0, 0, 0],
  'GET /api/v1/sessions, bearer':                      [ 1, 1, 0],
  'GET /api/v1/sessions, cookie':                      [ 1, 1, 0],
  'GET /api/v1/sessions, stale cookie':                [ 1, 1, 0,   2, 0],

  'DELETE /api/v1/sessions/current, no credentials':   [ 0, 0, 0],
  'DELETE /api/v1/sessions/current, malformed bearer': [ 0, 0, 0],
  'DELETE /api/v1/sessions/current, bearer':           [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions/current, cookie':           [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions/current, ended bearer':     [ 1, 1, 0],
  'DELETE /api/v1/sessions/:id, another, bearer':      [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions/:id, another, cookie':      [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions/:id, own, bearer':          [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions/:id, unknown, bearer':      [ 1, 1, 0],
  'DELETE /api/v1/sessions, others, bearer':           [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions, others, no others':        [ 1, 1, 0],
  'DELETE /api/v1/sessions, all, bearer':              [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions, all, cookie':              [ 1, 1, 0,   2, 1],
  'DELETE /api/v1/sessions, no scope':                 [ 0, 0, 0],

  'PUT /api/v1/password, malformed bearer':            [ 0, 0, 0],
  'PUT /api/v1/password, right':                       [ 4, 5, 2,   6, 3],
  'PUT /api/v1/password, wrong':                       [ 2, 3, 1],
  'GET /api/v1/logouts, malformed bearer':             [ 0, 0, 0],
  'GET /api/v1/logouts, bearer':                       [ 2, 1, 1],
  'GET /api/v1/logouts, stale bearer':                 [ 2, 2, 1],
  'GET /api/v1/logouts, ended bearer':                 [ 1, 1, 0],
  'GET /api/v1/openapi.json, no credentials':          [ 0, 0, 0],
});

// prettier-ignore
export const AUTHZ_BUDGETS = budgets({
  //                                              round trips, Redis, SQL   in all: Redis, SQL
  '/api/authz/forward-auth, no credentials':           [ 0, 0, 0],
  '/api/authz/forward-auth, bearer':                   [ 1, 1, 0],
  '/api/authz/forward-auth, cookie':                   [ 1, 1, 0],
  '/api/authz/forward-auth, stale cookie':             [ 1, 1, 0,   2, 0],
  '/api/authz/forward-auth, ended bearer':             [ 1, 1, 0],
  '/api/authz/forward-auth, another host':             [ 0, 0, 0],
  '/api/authz/auth-request, cookie':                   [ 1, 1, 0],
  'GET /.well-known/jwks.json':                        [ 0, 0, 0],
});

/** Channels that no browser or app uses: other Workers' checks; the cron, which tidies queues even without receivers. */
// prettier-ignore
export const CHANNEL_BUDGETS = budgets({
  //                                              round trips, Redis, SQL   in all: Redis, SQL
  'verify, a request without credentials':             [ 0, 0, 0],
  'verify, a malformed token':                         [ 0, 0, 0],
  'verify, a request with a bearer':                   [ 1, 1, 0],
  'verify, a request with a cookie':                   [ 1, 1, 0],
  'verify, a token':                                   [ 1, 1, 0],
  'verify, the token of a stale session':              [ 1, 1, 0,   2, 0],
  'cron, nothing pending':                             [ 5, 4, 1],
  'cron, nothing pending, with retention':             [ 7, 4, 3],
  'cron, 1 sign-out pending':                          [ 8, 6, 2],
  'cron, 1 sign-in pending':                           [ 9, 6, 3],
  'cron, 60 sign-ins and sign-outs pending':           [10, 6, 4],
  'cron, 150 sign-ins and sign-outs pending':          [10, 6, 4],
  'cron, 1 event pending that MySQL rejects':          [ 8, 6, 2],
});

/**
 * How often an operation on sessions runs each command inside Redis: always, and in addition for each open session of
 * the same user. Sessions of other users cost nothing, however many there are.
 */
export const COMMANDS_IN_REDIS = {
  check: { mget: [1, 0] },
  list: { get: [1, 1], hgetall: [1, 0], mget: [1, 0] },
  // The receipt is read and written; each session is read, recorded, deleted, remembered by a tombstone and unlisted.
  'revoke all': {
    get: [2, 1],
    hgetall: [1, 0],
    xadd: [0, 1],
    pttl: [0, 1],
    del: [0, 1],
    set: [1, 1],
    hdel: [0, 1],
  },
  end: { get: [2, 0], xadd: [1, 0], pttl: [1, 0], del: [1, 0], set: [2, 0], hdel: [1, 0] },
  'end of no session': { get: [2, 0] },
  // All are read, to find whether there are too many. The minute of its end is noted for the cron.
  start: {
    get: [3, 1],
    sadd: [1, 0],
    expireat: [1, 0],
    exists: [1, 0],
    hgetall: [1, 0],
    set: [1, 0],
    hset: [1, 0],
    pttl: [1, 0],
    pexpireat: [1, 0],
    xadd: [1, 0],
  },
} as const satisfies Record<string, Record<string, readonly [always: number, eachOwnSession: number]>>;

/** The same for each session that the cron ends because it expired. */
export const COMMANDS_PER_EXPIRY = { get: 1, xadd: 1, pttl: 1, del: 1, set: 1, hdel: 1, srem: 1 } as const;
/** What the note of a session's end takes of Redis's memory, so that the cron finds it. */
export const SESSION_END_REDIS_MAX_BYTES = 120;

/** The bundle after gzip, as wrangler reports it. */
export const BUNDLE_GZIP_MAX_BYTES = 128 * 1024;

/**
 * What a session adds to Redis's memory: its record, its expiry and its part of the user's index. Only the benchmark
 * measures it, as it depends on Redis's version and allocator.
 */
export const SESSION_REDIS_MAX_BYTES = 600;
