import type { UserId } from '../../../src/lib/ids.ts';
import {
  UserRefusedError,
  type ProfileUpdate,
  type StoredUser,
  type UserUpdate,
} from '../stores/user-admin.ts';
import { concludeEnd, deliverEnded, endSessionsOf } from '../end-sessions.ts';
import { EXIT } from '../exit.ts';
import type { Stores } from '../stores.ts';
import { hashFormat } from './hash-format.ts';
import { nameKey, type SkippedUser, type ValidUser } from './validate-users.ts';

/** Users looked up, and added, by one statement. */
const BATCH_SIZE = 200;

export interface ImportReport {
  added: number;
  updated: number;
  unchanged: number;
  /** The dump has another password, but this service has set or rewritten the one here. */
  keptPasswords: number;
  sessionsEnded: number;
  /** Some sessions of changed users may still be open. */
  isIncomplete: boolean;
  readonly skipped: SkippedUser[];
  /** Users who were imported but can't sign in until a password is set. */
  readonly withoutPassword: { readonly username: string; readonly reason: string }[];
}

export const newReport = (): ImportReport => ({
  added: 0,
  updated: 0,
  unchanged: 0,
  keptPasswords: 0,
  sessionsEnded: 0,
  isIncomplete: false,
  skipped: [],
  withoutPassword: [],
});

export interface ImportRun {
  readonly stores: Stores;
  /** True: nothing is written. */
  readonly isDryRun: boolean;
  readonly report: ImportReport;
  readonly advance: (by: number) => void;
}

/**
 * Imports users batch by batch. May be repeated: users who are already here are updated. The report shows what was done
 * so far, also if this throws `store_unavailable`.
 */
export async function importUsers(run: ImportRun, users: readonly ValidUser[]): Promise<void> {
  // Users with ids first: MySQL must not assign one of these ids to a user without.
  const sorted = [...users].sort((a, b) => Number(a.record.id === null) - Number(b.record.id === null));
  for (let i = 0; i < sorted.length; i += BATCH_SIZE) {
    const batch = sorted.slice(i, i + BATCH_SIZE);
    const fresh: ValidUser[] = [];
    const changed: ChangedProfile[] = [];
    const find = await findExisting(run.stores, batch);
    for (const user of batch) {
      const found = find(user);
      if (found === null) fresh.push(user);
      else if (typeof found === 'string') skip(run, user, found);
      else changed.push(...(await updateUser(run, user, found)));
    }
    await updateProfiles(run, changed);
    await insertUsers(
      run,
      fresh.filter(({ record }) => record.id !== null),
    );
    await insertUsers(
      run,
      fresh.filter(({ record }) => record.id === null),
    );
    run.advance(batch.length);
  }
}

interface ChangedProfile {
  readonly user: ValidUser;
  readonly id: UserId;
  readonly changes: ProfileUpdate;
}

function skip({ report }: ImportRun, user: ValidUser, reason: string): void {
  report.skipped.push({ place: user.place, username: user.record.username, reason });
}

/** Looks up users: returns null for a new one, the row of an existing one, or why the name or id conflicts. */
async function findExisting(stores: Stores, batch: readonly ValidUser[]) {
  const ids = batch.flatMap(({ record }) => record.id ?? []);
  const [byIds, reserved, byNames] = await Promise.all([
    stores.users.findByIds(ids),
    stores.users.findReserved(ids),
    stores.users.findByUsernames(batch.map(({ record }) => record.username)),
  ]);
  const ofId = new Map<UserId, StoredUser>(byIds.map((user) => [user.id, user]));
  const ofName = new Map(byNames.map((user) => [nameKey(user.username), user]));
  return ({ record }: ValidUser): StoredUser | string | null => {
    const sameName = ofName.get(nameKey(record.username));
    if (sameName !== undefined) {
      if (sameName.username !== record.username)
        return `a user here has this name with other trailing spaces (id ${sameName.id})`;
      if (record.id !== null && sameName.id !== record.id) return `the name has the id ${sameName.id} here`;
      return sameName;
    }
    const sameId = record.id === null ? undefined : ofId.get(record.id);
    if (sameId !== undefined) return `the id belongs to ${sameId.username} here`;
    const isReserved = record.id !== null && reserved.has(record.id);
    return isReserved ? 'a user with this id was deleted here' : null;
  };
}

/**
 * What to take from the dump for an existing user. This service changes no names or addresses. It rewrites hashes,
 * always to `bcrypt_sha256`, so only a hash in another format can be older than the dump's. A user who was disabled here
 * stays disabled.
 */
export function planUpdate({ record }: ValidUser, here: StoredUser): UserUpdate & { keepsPassword: boolean } {
  const hashHere = hashFormat(here.passwordHash);
  const isOther = hashFormat(record.passwordHash).isUsable && record.passwordHash !== here.passwordHash;
  const takesPassword = isOther && !hashHere.isOwn;
  const isLater = record.lastLoginAtMs !== null && record.lastLoginAtMs > (here.lastLoginAtMs ?? -Infinity);
  return {
    keepsPassword: isOther && hashHere.isOwn,
    ...(takesPassword && { passwordHash: record.passwordHash }),
    ...(record.email !== null && record.email !== here.email && { email: record.email }),
    ...(isNewValue(record.firstName, here.firstName) && { firstName: record.firstName }),
    ...(isNewValue(record.lastName, here.lastName) && { lastName: record.lastName }),
    ...(!record.isActive && here.isActive && { isActive: false as const }),
    ...(isLater && { lastLoginAtMs: record.lastLoginAtMs }),
  };
}

/** An empty value may be a column that the dump leaves out. */
const isNewValue = (dumped: string, here: string): boolean => dumped !== '' && dumped !== here;

/** Returns what is left to change: profiles are changed by one statement for many users, as most of a dump may be these. */
async function updateUser(run: ImportRun, user: ValidUser, here: StoredUser): Promise<ChangedProfile[]> {
  const { report, stores } = run;
  const { keepsPassword, ...changes } = planUpdate(user, here);
  if (keepsPassword) report.keptPasswords += 1;
  const passwordHash = changes.passwordHash ?? here.passwordHash;
  if (!hashFormat(passwordHash, stores.settings.PBKDF2_MAX_ITERATIONS).isUsable) notePassword(run, user);
  if (Object.keys(changes).length === 0) {
    report.unchanged += 1;
    return [];
  }
  const { passwordHash: newHash, isActive, ...profile } = changes;
  if (newHash === undefined && isActive === undefined) return [{ user, id: here.id, changes: profile }];
  if (!run.isDryRun) {
    try {
      if (!(await stores.users.update(here.id, here.passwordHash, changes))) {
        skip(run, user, 'the password was changed here just now; run the import again');
        return [];
      }
    } catch (error) {
      skip(run, user, describeRefusal(error));
      return [];
    }
    // As after any password change and whenever a user is disabled.
    await endSessions(run, here.id, isActive === false ? 'admin' : 'password_changed');
  }
  report.updated += 1;
  return [];
}

/** Changes all with one statement; if MySQL refuses it, one by one to find the refused user. */
async function updateProfiles(run: ImportRun, changed: readonly ChangedProfile[]): Promise<void> {
  if (changed.length === 0) return;
  try {
    if (!run.isDryRun) await run.stores.users.updateProfiles(changed);
  } catch (error) {
    const [only] = changed;
    if (changed.length === 1 && only !== undefined) skip(run, only.user, describeRefusal(error));
    else if (!(error instanceof UserRefusedError)) throw error;
    else for (const each of changed) await updateProfiles(run, [each]);
    return;
  }
  run.report.updated += changed.length;
}

async function endSessions(
  { stores, report }: ImportRun,
  userId: UserId,
  reason: 'admin' | 'password_changed',
): Promise<void> {
  const ended = await endSessionsOf(stores, userId, reason);
  report.sessionsEnded += ended.logouts.length;
  await deliverEnded(stores, ended.logouts);
  const exitCode = concludeEnd(
    ended,
    `User ${userId} is changed, but sessions may still be open`,
    `hoskie session end-all --id ${userId}`,
  );
  if (exitCode !== EXIT.ok) report.isIncomplete = true;
}

function notePassword({ report }: ImportRun, { record, noPassword }: ValidUser): void {
  report.withoutPassword.push({ username: record.username, reason: noPassword ?? 'none' });
}

/** Inserts all with one statement; if MySQL refuses it, one by one to find the refused user. */
async function insertUsers(run: ImportRun, users: readonly ValidUser[]): Promise<void> {
  if (users.length === 0) return;
  try {
    if (!run.isDryRun) await run.stores.users.insert(users.map(({ record }) => record));
  } catch (error) {
    if (!(error instanceof UserRefusedError)) throw error;
    if (users.length > 1) {
      for (const user of users) await insertUsers(run, [user]);
      return;
    }
    const [user] = users;
    if (user === undefined || (await isOurRow(run.stores, user, error))) {
      if (user !== undefined) countAdded(run, user);
      return;
    }
    skip(run, user, describeRefusal(error));
    return;
  }
  for (const user of users) countAdded(run, user);
}

function countAdded(run: ImportRun, user: ValidUser): void {
  run.report.added += 1;
  if (user.noPassword !== null) notePassword(run, user);
}

/** A retry after a lost reply finds the row of the first attempt. */
async function isOurRow(stores: Stores, { record }: ValidUser, refusal: UserRefusedError): Promise<boolean> {
  if (!refusal.isTaken) return false;
  const here = await stores.users.findByUsername(record.username);
  return here?.passwordHash === record.passwordHash && (record.id === null || here.id === record.id);
}

function describeRefusal(error: unknown): string {
  if (!(error instanceof UserRefusedError)) throw error;
  return error.isTaken
    ? 'the name or the id was taken just now'
    : `MySQL refused the row (error ${error.errno})`;
}
