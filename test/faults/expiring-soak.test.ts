import { expect, test } from 'vitest';
import { runExpiringSoak } from './soak/run-expiring-soak.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

const SOAK = { count: 400, seconds: 8, cronSeconds: 1, maxLifeSeconds: 4, pauses: 4, seed: 20_260_101 };

/** `npm run soak -- --expiring 20000` does the same for longer. */
test(
  'sessions of seconds, under faults and with a cron that stutters, end exactly once',
  { timeout: 180_000 },
  async () => {
    const { cloud, worker } = environment;
    const { ledger, lateMs } = await runExpiringSoak({ cloud, worker, ...SOAK });
    expect(ledger.violations).toEqual([]);
    // There was something to check.
    expect(lateMs.length).toBeGreaterThan(SOAK.count / 4);
    for (const what of ['cron: missed runs', 'cron: two runs at once', 'ends: logout', 'visits: 200'])
      expect(ledger.counts[what] ?? 0, what).toBeGreaterThan(0);
  },
);
