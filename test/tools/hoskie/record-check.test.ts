import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { deliverPending } from '../../../src/activity/delivery.ts';
import { SYSTEM_CLOCK } from '../../../src/lib/clock.ts';
import { newSessionId } from '../../../src/lib/ids.ts';
import { endExpiredSessions } from '../../../src/session/end-expired-sessions.ts';
import { endsKey, indexKey, recordKey } from '../../../src/session/redis-keys.ts';
import { endsAtMs, minuteOf } from '../../../src/session/rules.ts';
import type { Session } from '../../../src/session/session.ts';
import type { TokenHash } from '../../../src/session/token.ts';
import { checkRecord } from '../../../tools/hoskie/check-record.ts';
import { openStores, type Stores } from '../../../tools/hoskie/stores.ts';
import { CapturedLog } from '../../fakes/captured-log.ts';
import {
  newTokenHash,
  newUserId,
  sampleLogin,
  sampleLogout,
  sampleOperation,
  sampleSession,
  sampleStart,
} from '../../fakes/samples.ts';
import { NO_LIMIT } from '../../fakes/time-share.ts';
import { openCloudStores } from '../../stores/open-cloud-stores.ts';
import { useCloud } from '../../support/test-environment.ts';
import { expectFailure, runCli, runJson } from './run-cli.ts';

const environment = useCloud();

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface RecordJson {
  open_sessions: number;
  expired: number;
  counts: Record<string, number>;
  differences: { kind: string; user_id: string; session_id: string; at: string }[];
}
interface Begun {
  readonly session: Session;
  readonly tokenHash: TokenHash;
}

const stores = () => openCloudStores(environment.cloud);
const cron = { log: new CapturedLog(), clock: SYSTEM_CLOCK };
const check = (args: string[] = [], exitCode = 0): Promise<RecordJson> =>
  runJson<RecordJson>(environment.cloud, ['record', 'check', ...args], { exitCode });
const found = ({ differences }: RecordJson) => differences.map((each) => [each.kind, each.session_id]).sort();
const deliverAll = () => deliverPending({ stores: stores(), log: cron.log, nowMs: Date.now() }, NO_LIMIT);

/** A sign-in that began so long ago. Its event is pending. */
async function begin(agoMs = 0, changes: Partial<Session> = {}): Promise<Begun> {
  const session = sampleSession(Date.now() - agoMs, changes);
  const tokenHash = newTokenHash();
  await stores().sessions.start(sampleStart(session, tokenHash));
  return { session, tokenHash };
}
/** The same, with its row. */
async function signIn(agoMs?: number, changes?: Partial<Session>): Promise<Begun> {
  const begun = await begin(agoMs, changes);
  await deliverAll();
  return begun;
}
/** Its event is pending. */
const signOut = ({ tokenHash }: Begun) =>
  stores().sessions.end([tokenHash], 'either', 'logout', sampleOperation(Date.now()));
const inUse = (agoMs: number) => ({ lastSeenAtMs: Date.now() - agoMs });
const absoluteEndIn = (ms: number) => ({ expiresAtMs: Date.now() + ms });

test('what is open, has ended, is pending or was set aside, or waits for the cron is no difference', async () => {
  const { outbox, activityLog } = stores();
  await signIn();
  await signIn(20 * HOUR_MS, inUse(MINUTE_MS));
  await signOut(await signIn(HOUR_MS));
  // Expired, with its row.
  await signIn(3 * HOUR_MS);
  await endExpiredSessions(stores(), cron, NO_LIMIT);
  // Expired just now; the index of the second one has, too.
  await signIn(2 * HOUR_MS + MINUTE_MS);
  await signIn(HOUR_MS, absoluteEndIn(-MINUTE_MS));
  // Ended just now by a row alone: the cron ends it.
  const back = await signIn(HOUR_MS);
  const { id: sessionId, userId } = back.session;
  await activityLog.writeLogouts([sampleLogout(Date.now() - MINUTE_MS, { sessionId, userId })]);
  await activityLog.writeLogins([sampleLogin(Date.now(), { outcome: 'bad_credentials', sessionId: null })]);
  // Pending, and set aside.
  await begin();
  await signOut(await signIn());
  await begin();
  const [entry] = (await outbox.readOldest(10)).slice(-1);
  await outbox.setAside(entry?.entryId ?? '', 'mysql errno 1406', Date.now());

  const checked = await check();
  expect(checked).toMatchObject({ open_sessions: 5, expired: 2, differences: [] });
  expect(checked.counts).toEqual({
    no_end: 0,
    open_after_end: 0,
    no_sign_in: 0,
    end_overdue: 0,
    end_not_awaited: 0,
  });
  const table = await runCli(environment.cloud, ['record', 'check']);
  expect(table).toMatchObject({ exitCode: 0, stderr: '' });
  expect(table.stdout).toContain('No differences.');
});

describe('a difference', () => {
  test('a sign-in whose session is gone without a row', async () => {
    const [lost] = [await signIn(HOUR_MS), await signIn(HOUR_MS)];
    const { redis } = environment.cloud;
    await redis.del(recordKey(lost.tokenHash), indexKey(lost.session.userId));
    const checked = await check([], 1);
    expect(checked.differences).toEqual([
      {
        kind: 'no_end',
        user_id: lost.session.userId,
        session_id: lost.session.id,
        at: new Date(lost.session.createdAtMs).toISOString(),
      },
    ]);
    expect(checked.counts).toMatchObject({ no_end: 1 });
    const table = await runCli(environment.cloud, ['record', 'check']);
    expect(table.exitCode).toBe(1);
    expect(table.stdout).toContain(`${lost.session.id}  ${lost.session.userId}`);

    // As docs/operators.md closes it by hand.
    const page = readFileSync(join(import.meta.dirname, '../../../docs/operators.md'), 'utf8');
    const [, statement = ''] = /"(INSERT INTO logout_activity [^"]+)"/.exec(page) ?? [];
    await environment.cloud.query(
      statement.replace(/session_id = '\w+'/, `session_id = '${lost.session.id}'`),
    );
    expect(found(await check())).toEqual([]);
  });

  test('not one that no index leads to: index check finds that', async () => {
    const { session } = await signIn(HOUR_MS);
    await environment.cloud.redis.del(indexKey(session.userId));
    expect(found(await check())).toEqual([]);
  });

  test('a session that is open after its end, without its sign-in, overdue, or that the cron would miss', async () => {
    const { activityLog } = stores();
    const reopened = await signIn(HOUR_MS);
    const { id: sessionId, userId } = reopened.session;
    await activityLog.writeLogouts([sampleLogout(Date.now() - 10 * MINUTE_MS, { sessionId, userId })]);
    const overdue = await signIn(2 * HOUR_MS + 6 * MINUTE_MS);
    const missed = await signIn(HOUR_MS);
    const minute = endsKey(minuteOf(endsAtMs(missed.session)));
    await environment.cloud.redis.srem(minute, missed.tokenHash);
    const unrecorded = await signIn(HOUR_MS);
    await environment.cloud.query('DELETE FROM login_activity WHERE session_id = ?', [unrecorded.session.id]);
    const expected = [
      ['end_not_awaited', missed.session.id],
      ['end_overdue', overdue.session.id],
      ['no_sign_in', unrecorded.session.id],
      ['open_after_end', reopened.session.id],
    ];
    expect(found(await check([], 1))).toEqual(expected);
    // It has changed nothing.
    expect(found(await check([], 1))).toEqual(expected);

    // The cron, and ending what can't be mended.
    await endExpiredSessions(stores(), cron, NO_LIMIT);
    for (const { session } of [reopened, missed])
      await runJson(environment.cloud, ['session', 'end', session.id]);
    expect(found(await check([], 1))).toEqual([['no_sign_in', unrecorded.session.id]]);
  });

  test('in more sessions and rows than one step reads', async () => {
    const { activityLog } = stores();
    // More in one millisecond than a page has.
    const [atMs, userId] = [Date.now() - HOUR_MS, newUserId()];
    for (let i = 0; i < 5; i += 1) {
      const logins = Array.from({ length: 1000 }, (_, j) => sampleLogin(atMs + (i < 3 ? 0 : j), { userId }));
      await activityLog.writeLogins(logins);
    }
    for (let i = 0; i < 11; i += 1) await Promise.all(Array.from({ length: 100 }, () => begin()));
    const checked = await check([], 1);
    expect(checked).toMatchObject({ open_sessions: 1100, counts: { no_end: 5000 } });
    expect(new Set(checked.differences.map((each) => each.session_id)).size).toBe(5000);
  });
});

describe('sign-ins that are looked at', () => {
  test('are those since --since, or since a session may be in Redis', async () => {
    const { activityLog } = stores();
    const ages = [HOUR_MS, 2 * DAY_MS, 31 * DAY_MS, 33 * DAY_MS];
    const logins = ages.map((age) => sampleLogin(Date.now() - age));
    await activityLog.writeLogins(logins);
    const remembered = { expiresAtMs: Date.now() + DAY_MS, idleAgeSeconds: 30 * 86_400 };
    const old = await begin(3 * DAY_MS, remembered);
    await stores().outbox.remove((await stores().outbox.readOldest(10)).map(({ entryId }) => entryId));
    const ids = logins.map(({ sessionId }) => ['no_end', sessionId]);
    expect(found(await check([], 1))).toEqual([...ids.slice(0, 3), ['no_sign_in', old.session.id]].sort());
    expect(found(await check(['--since', '24h'], 1))).toEqual(ids.slice(0, 1));
    expect(found(await check(['--since', '365d'], 1))).toHaveLength(5);
    // Older rows may have been deleted.
    const env = { ...environment.cloud.env, ACTIVITY_RETENTION_DAYS: '1' };
    const bounded = await runCli(null, ['record', 'check', '--json', '--since', '365d'], { env });
    expect(found(JSON.parse(bounded.stdout) as RecordJson)).toEqual(ids.slice(0, 1));
    expectFailure(await runCli(environment.cloud, ['record', 'check', '--since', '2099-01-01']), 2, 'future');
  });
});

test('an outage of either store is no difference', async () => {
  await signIn();
  for (const [store, message] of [
    ['redis', "Redis can't be reached"],
    ['mysql', "MySQL can't be reached"],
  ] as const) {
    environment.cloud.faults.set(store, { kind: 'refuse' });
    const result = await runCli(environment.cloud, ['record', 'check']);
    environment.cloud.faults.clear();
    expectFailure(result, 4, message);
    expect(result.stdout).toBe('');
  }
});

describe('what happens meanwhile is no difference', () => {
  beforeEach(() => {
    for (const [name, value] of Object.entries(environment.cloud.env)) vi.stubEnv(name, value);
  });
  afterEach(() => vi.unstubAllEnvs());

  /** Runs the check; each of these methods, once it has its first result, waits for what happens then. */
  async function checkWhile(events: (tool: Stores) => [object, string, () => Promise<unknown>][]) {
    const tool = openStores({ timeout: 10 }, 'redis', 'database');
    const happened = events(tool).map(([of, name, happen]) => {
      const methods = of as Record<string, (...args: unknown[]) => Promise<unknown>>;
      const method = methods[name]!;
      return vi.spyOn(methods, name).mockImplementationOnce(async (...args) => {
        const result = await method.apply(methods, args);
        await happen();
        return result;
      });
    });
    const report = await checkRecord(tool, Date.now() - DAY_MS, Date.now());
    for (const each of happened) expect(each).toHaveBeenCalled();
    return [...report.differences.values()];
  }

  test.each([
    ['a sign-out that is pending', async (begun: Begun) => signOut(begun)],
    ['a sign-out with its row', async (begun: Begun) => [await signOut(begun), await deliverAll()]],
  ])('%s, after its sign-in was read', async (_, end) => {
    const begun = await signIn(HOUR_MS);
    expect(await checkWhile(({ recordSearch }) => [[recordSearch, 'readSignIns', () => end(begun)]])).toEqual(
      [],
    );
  });

  test('a sign-out of a session that its index lists no more, after the session was read', async () => {
    const begun = await signIn(HOUR_MS);
    const happened = await checkWhile(({ recordSearch, sessionScan }) => [
      [recordSearch, 'readSignIns', () => environment.cloud.redis.del(indexKey(begun.session.userId))],
      [sessionScan, 'scan', () => signOut(begun)],
    ]);
    expect(happened).toEqual([]);
  });

  test('sign-ins after the minutes were read: one pending, one with its row', async () => {
    await signIn();
    const happened = await checkWhile(({ sessionAdmin, recordSearch }) => [
      [sessionAdmin, 'keyCount', () => Promise.all([begin(), begin(HOUR_MS)])],
      [recordSearch, 'findSignIns', async () => [await deliverAll(), await begin()]],
    ]);
    expect(happened).toEqual([]);
  });

  test('an expiry, a refresh that moves a session on, and a new end of it', async () => {
    const expired = await signIn(2 * HOUR_MS + 10 * MINUTE_MS);
    const used = await signIn(2 * HOUR_MS - 1000, { idleAgeSeconds: 7200 });
    const happened = await checkWhile(({ recordSearch }) => [
      [
        recordSearch,
        'findEnds',
        async () => {
          await stores().sessions.refresh(used.tokenHash, { ...used.session, lastSeenAtMs: Date.now() });
          // A run of the cron when the first end is due.
          const clock = { ...SYSTEM_CLOCK, nowMs: () => Date.now() + 2 * MINUTE_MS };
          await endExpiredSessions(stores(), { log: cron.log, clock }, NO_LIMIT);
          expect(await environment.cloud.redis.exists(recordKey(expired.tokenHash))).toBe(0);
        },
      ],
    ]);
    expect(happened).toEqual([]);
  });

  test('a busy site', async () => {
    const begins = Array.from({ length: 100 }, (_, i) => begin(i * MINUTE_MS, inUse(0)));
    const open = await Promise.all(begins);
    await deliverAll();
    let isOver = false;
    const work = async (): Promise<void> => {
      while (!isOver) {
        open.push(await begin(0, { id: newSessionId() }));
        await signOut(open.splice(Math.floor(Math.random() * open.length), 1)[0]!);
        if (Math.random() < 0.3) await deliverAll();
      }
    };
    const working = Promise.all([work(), work(), work()]);
    try {
      for (let i = 0; i < 3; i += 1) expect(found(await check())).toEqual([]);
    } finally {
      isOver = true;
      await working;
    }
  });
});
