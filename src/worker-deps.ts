import type { ActivityLog } from './activity/activity-log.ts';
import type { Outbox } from './activity/outbox.ts';
import { planetscaleActivityLog } from './activity/planetscale-activity-log.ts';
import { upstashOutbox } from './activity/upstash-outbox.ts';
import type { Clock, Deps, DepsFactory } from './deps.ts';
import { consoleLog } from './log.ts';
import type { Shield, Throttle } from './security/throttle.ts';
import { upstashThrottle } from './security/upstash-throttle.ts';
import type { SessionStore } from './session/session-store.ts';
import { upstashSessionStore } from './session/upstash-session-store.ts';
import type { Settings } from './settings.ts';
import { planetscaleClient, planetscaleConnection } from './store/planetscale-client.ts';
import { BACKGROUND_STORE_WAIT_MS, STORE_WAIT_MS, type Trace } from './store/store-call.ts';
import { upstashClient, upstashConnection, type RedisClient } from './store/upstash-client.ts';
import { cpuTurns, cpuTurnsOf } from './user/cpu-turns.ts';
import { planetscaleUserStore } from './user/planetscale-user-store.ts';
import type { UserStore } from './user/user-store.ts';

const CLOCK: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** What the requests of one isolate share. */
interface Connections {
  readonly redis: ReturnType<typeof upstashConnection>;
  readonly database: ReturnType<typeof planetscaleConnection>;
  readonly turns: ReturnType<typeof cpuTurns>;
  readonly shield: Shield;
}

/** The stores as the settings name them, and this isolate's clock and log. */
export function workerDeps(settings: Settings, shield: Shield): DepsFactory {
  const connections: Connections = {
    redis: upstashConnection({
      url: settings.UPSTASH_REDIS_REST_URL,
      token: settings.UPSTASH_REDIS_REST_TOKEN,
    }),
    database: planetscaleConnection(settings.DATABASE_URL, BACKGROUND_STORE_WAIT_MS),
    turns: cpuTurns(CLOCK),
    shield,
  };
  return (trace, pace) =>
    new WorkerDeps(connections, trace, pace === 'foreground' ? STORE_WAIT_MS : BACKGROUND_STORE_WAIT_MS);
}

/** Each adapter is made when it is asked for: they hold nothing, and most requests need one or two. */
class WorkerDeps implements Deps {
  readonly log = consoleLog;
  readonly clock = CLOCK;
  readonly #connections: Connections;
  readonly #trace: Trace;
  readonly #timeoutMs: number;

  constructor(connections: Connections, trace: Trace, timeoutMs: number) {
    this.#connections = connections;
    this.#trace = trace;
    this.#timeoutMs = timeoutMs;
  }

  get sessions(): SessionStore {
    return upstashSessionStore(this.#redis());
  }

  get throttle(): Throttle {
    return upstashThrottle(this.#redis());
  }

  get outbox(): Outbox {
    return upstashOutbox(this.#redis());
  }

  get users(): UserStore {
    return planetscaleUserStore(this.#sql());
  }

  get activityLog(): ActivityLog {
    return planetscaleActivityLog(this.#sql());
  }

  get shield(): Shield {
    return this.#connections.shield;
  }

  get cpuTurns(): Deps['cpuTurns'] {
    return cpuTurnsOf(this.#connections.turns, CLOCK, this.#trace);
  }

  #redis(): RedisClient {
    return upstashClient(this.#connections.redis, this.#timeoutMs, this.#trace);
  }

  #sql() {
    return planetscaleClient(this.#connections.database, this.#timeoutMs, this.#trace);
  }
}
