import type { UserId } from '../../../src/lib/ids.ts';
import {
  UserRefusedError,
  type ProfileUpdate,
  type StoredUser,
  type UserUpdate,
} from '../stores/user-admin.ts';
import { concludeEnd, deliverEnded, endSessionsOf } from '../end-sessions.ts';
import { EXIT } from '../exit.ts';
import { hashFormat } from './hash-format.ts';
import { describeRefusal, notePassword, skip, type ImportRun } from './import-report.ts';
import type { ValidUser } from './validate-users.ts';

/** A change that concerns no session. */
export interface ChangedProfile {
  readonly user: ValidUser;
  readonly id: UserId;
  readonly changes: ProfileUpdate;
}

/**
 * What to take from the dump for an existing user. This service changes no names or addresses. It rewrites hashes,
 * always to `bcrypt_sha256`, so only a hash in another format can be older than the dump's. A user who was disabled here
 * stays disabled.
 */
function planUpdate({ record }: ValidUser, here: StoredUser): UserUpdate & { keepsPassword: boolean } {
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
export async function updateUser(
  run: ImportRun,
  user: ValidUser,
  here: StoredUser,
): Promise<ChangedProfile[]> {
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
export async function updateProfiles(run: ImportRun, changed: readonly ChangedProfile[]): Promise<void> {
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
