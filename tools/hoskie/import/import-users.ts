import type { UserId } from '../../../src/lib/ids.ts';
import { UserRefusedError, type StoredUser } from '../stores/user-admin.ts';
import type { Stores } from '../stores.ts';
import { readUsers, type DumpedUser, type DumpFile, type Survey } from './dump.ts';
import { describeRefusal, noteHash, notePassword, skip, type ImportRun } from './import-report.ts';
import { updateProfiles, updateUser, type ChangedProfile } from './update-users.ts';
import { nameKey, UserValidator, type ValidUser } from './validate-users.ts';

/** Users looked up, and added, by one statement. */
const BATCH_SIZE = 500;

/**
 * Imports users batch by batch, however large the file. May be repeated: users who are already here are updated. The report
 * shows what was done so far, also if this throws `store_unavailable`.
 */
export async function importUsers(run: ImportRun, dump: DumpFile, survey: Survey): Promise<void> {
  const { settings } = run.stores;
  const validator = new UserValidator({
    pbkdf2MaxIterations: settings.PBKDF2_MAX_ITERATIONS,
    nowMs: run.nowMs,
  });
  const importWhere = async (isWanted: (user: DumpedUser) => boolean): Promise<void> => {
    let batch: DumpedUser[] = [];
    const finish = async (): Promise<void> => {
      await importBatch(run, validator, batch);
      const { length } = batch;
      batch = [];
      run.advance(length);
    };
    for await (const user of readUsers(dump)) {
      if (!isWanted(user)) continue;
      batch.push(user);
      if (batch.length === BATCH_SIZE) await finish();
    }
    if (batch.length > 0) await finish();
  };
  // Users with ids first: MySQL must not assign one of these ids to a user without.
  if (survey.withoutId < survey.users) await importWhere(({ id }) => id !== null);
  if (survey.withoutId > 0) await importWhere(({ id }) => id === null);
}

async function importBatch(
  run: ImportRun,
  validator: UserValidator,
  dumped: readonly DumpedUser[],
): Promise<void> {
  const batch: ValidUser[] = [];
  for (const each of dumped) {
    const result = validator.validate(each);
    if ('record' in result) {
      batch.push(result);
      noteHash(run, result);
    } else {
      run.report.skipped.push(result);
    }
  }
  if (batch.length === 0) return;
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
  await insertUsers(run, fresh);
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
