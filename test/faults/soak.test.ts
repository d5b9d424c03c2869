import { expect, test } from 'vitest';
import { runSoak, SOAK_SESSIONS_PER_USER } from './soak/run-soak.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment({ MAX_SESSIONS_PER_USER: String(SOAK_SESSIONS_PER_USER) });

const SOAK = { seconds: 20, clients: 4, seed: 20_260_101 };

/** `npm run soak` does the same for longer, and with this seed makes the same choices. */
test('a short soak breaks no promise', { timeout: 180_000 }, async () => {
  const { cloud, worker } = environment;
  const { violations, counts } = await runSoak({ cloud, worker, ...SOAK });
  expect(violations).toEqual([]);
  // There were sign-outs and faults to check.
  expect(counts['sign-outs confirmed']).toBeGreaterThan(0);
  expect(counts['rows found']).toBe(counts['rows expected']);
  expect(counts['responses with 503']).toBeGreaterThan(0);
});
