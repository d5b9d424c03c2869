import { describe, expect, test } from 'vitest';
import { EventRefusedError } from '../../src/activity/activity-log.ts';
import { deliver, deliverPending } from '../../src/activity/delivery.ts';
import type { LogoutActivity } from '../../src/activity/events.ts';
import type { CallContent } from '../../tools/local-cloud/calls.ts';
import { vitessFault, type VitessError } from '../../tools/local-cloud/vitess-error.ts';
import { CapturedLog } from '../fakes/captured-log.ts';
import { NO_LIMIT } from '../fakes/time-share.ts';
import { STORE_UNAVAILABLE } from '../fakes/outage.ts';
import { sampleLogout } from '../fakes/samples.ts';
import { useCloud } from '../support/test-environment.ts';
import { openCloudStores } from './open-cloud-stores.ts';

// Errors that Vitess replies with, over the vendor's client, which turns each into status 400.

const HOUR_MS = 3_600_000;
const NOW_MS = Date.now();

const environment = useCloud();

/** As a tablet passes on what MySQL says. */
const fromMysql = (errno: number, sqlstate: string, text: string, code = 'UNKNOWN'): VitessError => ({
  code,
  message:
    `target: main.-.primary: vttablet: rpc error: code = Unknown desc = ${text} (errno ${errno}) ` +
    `(sqlstate ${sqlstate}) (CallerID: x): Sql: "insert into logout_activity ... (errno 1406) (sqlstate 22001)"`,
});
const fromVitess = (code: string, text: string): VitessError => ({
  code,
  message: `target: main.-.primary: ${text}`,
});

/** Vitess's texts: go/vt/vtgate/buffer, go/vt/vttablet/tabletserver, go/mysql/sqlerror. */
const DATABASE_ERRORS: [string, VitessError][] = [
  [
    'reparenting',
    fromVitess('CLUSTER_EVENT', 'primary is not serving, there is a reparent operation in progress'),
  ],
  [
    'reparenting, with the number of the MySQL protocol',
    fromMysql(1105, 'HY000', 'primary is not serving, there may be a reparent in progress', 'UNAVAILABLE'),
  ],
  ['no tablet', fromVitess('UNAVAILABLE', 'no healthy tablet available for keyspace main')],
  [
    'a full transaction pool',
    fromVitess(
      'RESOURCE_EXHAUSTED',
      'vttablet: rpc error: code = ResourceExhausted desc = transaction pool connection limit exceeded',
    ),
  ],
  [
    'an ended transaction',
    fromVitess('ABORTED', 'vttablet: rpc error: code = Aborted desc = transaction 17'),
  ],
  ['a deadlock', fromMysql(1213, '40001', 'Deadlock found when trying to get lock', 'ABORTED')],
  ['a lock wait time-out', fromMysql(1205, 'HY000', 'Lock wait timeout exceeded', 'DEADLINE_EXCEEDED')],
  ['too many connections', fromMysql(1040, '08004', 'Too many connections', 'RESOURCE_EXHAUSTED')],
  ['too many connections of the user', fromMysql(1203, '42000', 'too many connections')],
  ['a lost connection', fromMysql(2013, 'HY000', 'Lost connection to MySQL server during query')],
  ['a shutdown', fromMysql(1053, '08S01', 'Server shutdown in progress', 'UNAVAILABLE')],
  ['an interrupted query', fromMysql(1317, '70100', 'Query execution was interrupted')],
  ['a read-only server', fromMysql(1290, 'HY000', 'running with the --read-only option')],
  ['a full disk', fromMysql(1114, 'HY000', "The table 'logout_activity' is full")],
  ['a missing table', fromMysql(1146, '42S02', "Table 'logout_activity' doesn't exist", 'NOT_FOUND')],
  ['a missing column', fromMysql(1054, '42S22', "Unknown column 'country'", 'NOT_FOUND')],
  ['no privilege', fromMysql(1142, '42000', 'INSERT command denied', 'PERMISSION_DENIED')],
];

const UNEXPLAINED_ERRORS: [string, VitessError, string][] = [
  ["Vitess's catch-all", fromMysql(1105, 'HY000', 'unknown error'), 'mysql errno 1105'],
  ['no number', fromVitess('UNKNOWN', 'something else'), 'mysql errno unknown'],
  ['no such code', fromVitess('INTERNAL', 'VT13001: [BUG] unexpected'), 'mysql errno unknown'],
  ['a statement that it cannot read', fromMysql(1064, '42000', 'You have an error'), 'mysql errno 1064'],
  [
    'too large a packet',
    fromMysql(1153, '08S01', 'Got a packet bigger than max_allowed_packet', 'RESOURCE_EXHAUSTED'),
    'mysql errno 1153',
  ],
];

const log = new CapturedLog();
const run = (nowMs = NOW_MS) =>
  deliverPending({ stores: openCloudStores(environment.cloud), log, nowMs }, NO_LIMIT);
const rows = async (): Promise<string[]> =>
  (await environment.cloud.query('SELECT id FROM logout_activity')).map(({ id }) => String(id)).sort();
const idsOf = (events: readonly LogoutActivity[]): string[] => events.map(({ id }) => String(id)).sort();
const status = () => openCloudStores(environment.cloud).outbox.status();

async function fill(count: number): Promise<LogoutActivity[]> {
  const { outbox } = openCloudStores(environment.cloud);
  const events = Array.from({ length: count }, () => sampleLogout(NOW_MS));
  for (const event of events) await outbox.add(event);
  return events;
}

/** Refuses each statement with one of these rows. */
const refuse = (error: VitessError, events: readonly LogoutActivity[]): void =>
  environment.cloud.faults.set('mysql', {
    ...vitessFault(error),
    match: (call: CallContent) =>
      call.store === 'mysql' && /^INSERT/.test(call.sql) && events.some(({ id }) => call.sql.includes(id)),
  });

describe.each(DATABASE_ERRORS)('%s', (_, error) => {
  test('is retried, and passes unnoticed if it is over by then', async () => {
    environment.cloud.faults.set('mysql', { ...vitessFault(error), times: 2 });
    const event = sampleLogout(NOW_MS);
    await openCloudStores(environment.cloud).activityLog.writeLogouts([event]);
    expect(await rows()).toEqual([event.id]);
  });

  test('is an outage of the database, whatever the age of the event', async () => {
    const events = await fill(3);
    refuse(error, events);
    await expect(run(NOW_MS + 100 * HOUR_MS)).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(await status()).toMatchObject({ pending: 3, setAside: 0 });
  });
});

describe.each(UNEXPLAINED_ERRORS)('%s', (_, error, reason) => {
  test('for one row of many: the others are delivered, and it is set aside an hour after it happened', async () => {
    const events = await fill(12);
    refuse(error, [events[5]!]);
    expect(await run(NOW_MS + HOUR_MS - 1)).toBe(11);
    expect(await rows()).toEqual(idsOf(events.filter((event) => event !== events[5])));
    expect(await status()).toMatchObject({ pending: 1, setAside: 0 });
    const [later] = await fill(1);
    expect(await run(NOW_MS + HOUR_MS)).toBe(2);
    expect(await rows()).toContain(later!.id);
    expect(await status()).toMatchObject({ pending: 0, setAside: 1 });
    expect(log.of('activity_set_aside').at(-1)).toEqual({ activity_id: events[5]!.id, reason });
  });

  test('for all rows is an outage, whatever the age of the events', async () => {
    const events = await fill(3);
    refuse(error, events);
    await expect(run(NOW_MS + 100 * HOUR_MS)).rejects.toMatchObject(STORE_UNAVAILABLE);
    expect(await status()).toMatchObject({ pending: 3, setAside: 0 });
  });

  test('right after the response: the event stays in the outbox', async () => {
    const event = sampleLogout(NOW_MS);
    const stores = openCloudStores(environment.cloud);
    const entry = await stores.outbox.add(event);
    refuse(error, [event]);
    expect(await deliver({ stores, log, nowMs: NOW_MS }, [entry])).toBe(0);
    environment.cloud.faults.clear();
    expect(await run()).toBe(1);
    expect(await rows()).toEqual([event.id]);
  });

  test('for a reader is an outage', async () => {
    environment.cloud.faults.set('mysql', vitessFault(error));
    const { users, activityLog } = openCloudStores(environment.cloud);
    await expect(users.findByUsername('ann')).rejects.toMatchObject(STORE_UNAVAILABLE);
    await expect(activityLog.listRecent(sampleLogout(NOW_MS).userId, 5)).rejects.toMatchObject(
      STORE_UNAVAILABLE,
    );
  });
});

test('a data error refuses the row for good, in one attempt', async () => {
  const event = sampleLogout(NOW_MS);
  refuse(fromMysql(1406, '22001', 'Data too long', 'INVALID_ARGUMENT'), [event]);
  environment.cloud.calls.length = 0;
  const written = openCloudStores(environment.cloud).activityLog.writeLogouts([event]);
  await expect(written).rejects.toMatchObject({ isForGood: true, reason: 'mysql errno 1406' });
  await expect(written).rejects.toThrow(EventRefusedError);
  expect(environment.cloud.calls).toHaveLength(1);
});

test("a request that is larger than the vendor's edge takes is tried with fewer rows", async () => {
  const events = await fill(8);
  environment.cloud.faults.set('mysql', {
    kind: 'status',
    status: 413,
    body: '<html>Request Entity Too Large</html>',
    contentType: 'text/html',
    match: (call: CallContent) => call.store === 'mysql' && call.sql.split('), (').length > 2,
  });
  expect(await run()).toBe(8);
  expect(await rows()).toEqual(idsOf(events));
});
