import type { SessionStores, SessionWork } from '../session/session-work.ts';
import type { StoreTrace } from '../store/store-trace.ts';
import type { CpuSlots } from './cpu-slots.ts';
import type { PasswordChanges } from './password-changes.ts';
import type { Shield } from './shield.ts';
import type { Throttle } from './throttle.ts';
import type { UserStore } from './user-store.ts';

/** All stores of the service. */
export interface Stores extends SessionStores {
  readonly users: UserStore;
  readonly throttle: Throttle;
  readonly passwordChanges: PasswordChanges;
}

/** What signing in and changing a password needs from a request. */
export interface AuthWork extends SessionWork, Stores {
  readonly shield: Shield;
  /** One is taken before each password hash. */
  readonly cpuSlots: CpuSlots;
  readonly trace: StoreTrace;
  /** Does what must not stop halfway: it goes on if the client hangs up (`waitUntil`). */
  uninterrupted<T>(run: () => Promise<T>): Promise<T>;
  inBackground(task: string, run: (stores: Stores) => Promise<unknown>): void;
}
