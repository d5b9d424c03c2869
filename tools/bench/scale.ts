import { program } from 'commander';
import { bundleService } from './bundles.ts';
import { positiveInteger, someOf } from './cli-options.ts';
import { publish } from './publish.ts';
import { measureBacklog, measureDelivery } from './scale/delivery.ts';
import { measureExpiry } from './scale/expiry.ts';
import { measureMixedLoad, type MixedLoad } from './scale/mixed-load.ts';
import { USERS } from './scale/planted-events.ts';
import { scaleSections } from './scale/report.ts';
import { openTestEnvironment } from './test-environment.ts';

// `npm run scale`: what the service handles. A steady load, a million rows through the outbox, a backlog of
// events, sessions that expire in one minute.

const PARTS = ['load', 'delivery', 'backlog', 'expiry'] as const;
/** A sign-in takes so long that the same number of requests without any would be over in a moment. */
const TIMES_MORE_WITHOUT_SIGN_INS = 8;

const options = program
  .name('npm run scale --')
  .description('Ends with 1 if a response is unexpected, a row is missing or there twice, or memory grows.')
  .option(
    '--requests <count>',
    'of the load with sign-ins; eight times as many without',
    positiveInteger,
    30_000,
  )
  .option('--rows <count>', 'delivered by one run of the cron after the other', positiveInteger, 1_000_000)
  .option(
    '--backlog <count>',
    'events, for the time that the cron takes once a minute',
    positiveInteger,
    100_000,
  )
  .option('--expiring <count>', 'sessions that expire in one minute', positiveInteger, 200_000)
  .option('--only <parts>', `some of: ${PARTS.join(', ')}`, someOf(PARTS))
  .addHelpText('after', '\nA quick look: --requests 500 --rows 2000 --backlog 2000 --expiring 2000')
  .parse()
  .opts<{
    requests: number;
    rows: number;
    backlog: number;
    expiring: number;
    only?: (typeof PARTS)[number][];
  }>();
const isWanted = (part: (typeof PARTS)[number]): boolean => options.only?.includes(part) ?? true;

console.log('Starting Redis and MySQL, building the Worker ...');
const environment = await openTestEnvironment(USERS);
const { cloud, bindings } = environment;
try {
  const service = { bundle: bundleService(), bindings };
  const loads: MixedLoad[] = [];
  if (isWanted('load')) {
    const more = options.requests * TIMES_MORE_WITHOUT_SIGN_INS;
    loads.push(await measureMixedLoad(environment, service, 'with sign-ins', options.requests));
    loads.push(await measureMixedLoad(environment, service, 'without sign-ins', more));
  }
  const delivery = isWanted('delivery') ? await measureDelivery(environment, service, options.rows) : null;
  const backlog = isWanted('backlog') ? await measureBacklog(environment, service, options.backlog) : null;
  const expiry = isWanted('expiry') ? await measureExpiry(environment, service, options.expiring) : null;
  const report = { loads, delivery, backlog, expiry };
  await publish('scale', cloud, scaleSections(report), report);
  const isFine = loads.every(
    (load) => load.unexpected.length === 0 && load.wrongRows === null && load.memory.isFlat,
  );
  if (!isFine) process.exitCode = 1;
} finally {
  await cloud.stop();
}
