import type { AuthWork, Stores } from '../../src/auth/auth-work.ts';
import { parseSettings, type Settings } from '../../src/settings.ts';
import { StoreTrace } from '../../src/store/store-trace.ts';
import { openMemoryStores } from './memory-stores.ts';
import { SAMPLE_CLIENT } from './samples.ts';

function defaultSettings(): Settings {
  const result = parseSettings({
    UPSTASH_REDIS_REST_URL: 'https://redis.example',
    UPSTASH_REDIS_REST_TOKEN: 'token',
    DATABASE_URL: 'mysql://user:password@mysql.example/main',
    SECRET_KEY: 'k'.repeat(32),
  });
  if (!result.ok) throw new Error(`malformed: ${result.malformed.join()}`);
  return result.settings;
}

/** What one request brings along, over stores in memory. Its background work is done when the test says so. */
export function openMemoryWork(changes: Partial<AuthWork> = {}) {
  const memory = openMemoryStores();
  const background: { readonly task: string; readonly run: (stores: Stores) => Promise<unknown> }[] = [];
  const work: AuthWork = {
    ...memory.stores,
    requestId: 'request-1',
    settings: defaultSettings(),
    client: SAMPLE_CLIENT,
    clock: memory.clock,
    log: memory.log,
    shield: { admit: () => Promise.resolve(true) },
    cpuSlots: { take: () => Promise.resolve() },
    trace: new StoreTrace(),
    uninterrupted: (run) => run(),
    inBackground: (task, run) => void background.push({ task, run }),
    ...changes,
  };
  return {
    ...memory,
    work,
    /** Names of the background work that has not been done yet, oldest first. */
    backgroundTasks: (): string[] => background.map(({ task }) => task),
    runBackground: async (): Promise<void> => {
      for (const { run } of background.splice(0)) await run(memory.stores);
    },
  };
}
