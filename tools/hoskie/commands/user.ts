import type { Command } from 'commander';
import { hashPassword } from '../../../src/auth/password.ts';
import { findPasswordFlaw } from '../../../src/auth/password-rules.ts';
import { UserRefusedError, type StoredUser } from '../stores/user-admin.ts';
import { findUsernameFlaw } from '../../../src/auth/username.ts';
import { NEW_PASSWORD_MAX_CHARACTERS } from '../../../src/http/fields.ts';
import { characterCount } from '../../../src/lib/text.ts';
import type { Settings } from '../../../src/settings.ts';
import { addCommand, setAction, wholeNumber, type Finish } from '../command.ts';
import { endSessionsOf, reportEnd } from '../end-sessions.ts';
import { CliError, EXIT } from '../exit.ts';
import { requireUser, type ById } from '../find-user.ts';
import { hashFormat } from '../import/hash-format.ts';
import { note, paint, printable, say, sayJson, sayTable, timeText } from '../output.ts';
import { readNewPassword, type PasswordInput } from '../password-input.ts';
import { openStores } from '../stores.ts';
import { addUserDelete } from './user-delete.ts';
import { addUserImport } from './user-import.ts';

const EMAIL_MAX_CHARACTERS = 254;
const LIST_LIMIT = 50;

export function addUserCommands(program: Command, finish: Finish): void {
  const user = program.command('user').description('add, list, rename, disable, delete and import users');
  addAdd(user, finish);
  addPasswd(user, finish);
  addActivation(user, finish);
  addRename(user, finish);
  addUserDelete(user, finish);
  addList(user, finish);
  addUserImport(user, finish);
}

function addAdd(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'add <name>',
    summary: 'add a user; asks for the password, or reads it from standard input',
    examples: [
      ['user add ann --email ann@example.org', 'asks for the password, twice'],
      ['user add ann --password-stdin < secret.txt', 'reads it from a file'],
    ],
  })
    .option('--email <address>', 'for information; not used to sign in')
    .option('--password-stdin', 'read the password from standard input');
  setAction<PasswordInput & { email?: string }>(command, finish, async (options, name = '') => {
    requireGoodName(name);
    const email = options.email ?? null;
    if (email !== null && (!email.includes('@') || characterCount(email) > EMAIL_MAX_CHARACTERS))
      throw new CliError(EXIT.usage, 'The e-mail address is invalid.');
    const stores = openStores(options, 'database');
    if ((await stores.users.findByUsername(name)) !== null) throw nameTaken(name);
    const passwordHash = await readHash(options, name, stores.settings);
    const record = { id: null, username: name, passwordHash, email, firstName: '', lastName: '' };
    try {
      await stores.users.insert([{ ...record, isActive: true, lastLoginAtMs: null }]);
    } catch (error) {
      if (!(error instanceof UserRefusedError) || !error.isTaken) throw error;
      // A retry after a lost reply finds the row of the first attempt.
      if ((await stores.users.findByUsername(name))?.passwordHash !== passwordHash) throw nameTaken(name);
    }
    const added = await requireUser(stores, name, {});
    if (options.json === true) sayJson({ user: viewStoredUser(added) });
    else say(`Added ${printable(name)} with id ${added.id}.`);
  });
}

function addPasswd(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'passwd <name>',
    summary: "set a user's password and end all their sessions",
    examples: [
      ['user passwd ann', 'asks for the password, twice'],
      ['user passwd --id 42 --password-stdin < secret.txt', 'the user with that id'],
    ],
  })
    .option('--id', 'the argument is a number from users.id')
    .option('--password-stdin', 'read the password from standard input');
  setAction<PasswordInput & ById>(command, finish, async (options, name = '') => {
    const stores = openStores(options, 'redis', 'database');
    const user = await requireUser(stores, name, options);
    const passwordHash = await readHash(options, user.username, stores.settings);
    // First lock out new sign-ins, then end the open sessions.
    await stores.users.setPasswordHash(user.id, passwordHash);
    const ended = await endSessionsOf(stores, user.id, 'password_changed');
    if (options.json !== true) say(`Set the password of ${printable(user.username)}.`);
    return reportEnd(stores, ended, {
      json: options.json === true,
      view: { user: viewStoredUser({ ...user, passwordHash }) },
      left: 'The password is set, but sessions may still be open',
      retry: `hoskie session end-all --id ${user.id}`,
    });
  });
}

function addActivation(parent: Command, finish: Finish): void {
  const disable = addCommand(parent, {
    signature: 'disable <name>',
    summary: 'stop a user from signing in and end all their sessions',
    examples: [['user disable ann', '']],
  }).option('--id', 'the argument is a number from users.id');
  setAction<ById>(disable, finish, async (options, name = '') => {
    const stores = openStores(options, 'redis', 'database');
    const user = await requireUser(stores, name, options);
    await stores.users.setActive(user.id, false);
    const ended = await endSessionsOf(stores, user.id, 'admin');
    if (options.json !== true)
      say(`${printable(user.username)} ${user.isActive ? 'is' : 'was already'} disabled.`);
    return reportEnd(stores, ended, {
      json: options.json === true,
      view: { user: viewStoredUser({ ...user, isActive: false }) },
      left: `${printable(user.username)} is disabled, but sessions may still be open`,
      retry: `hoskie user disable --id ${user.id}`,
    });
  });

  const enable = addCommand(parent, {
    signature: 'enable <name>',
    summary: 'let a disabled user sign in again',
    examples: [['user enable ann', '']],
  }).option('--id', 'the argument is a number from users.id');
  setAction<ById>(enable, finish, async (options, name = '') => {
    const stores = openStores(options, 'database');
    const user = await requireUser(stores, name, options);
    await stores.users.setActive(user.id, true);
    if (options.json === true) sayJson({ user: viewStoredUser({ ...user, isActive: true }) });
    else say(`${printable(user.username)} ${user.isActive ? 'was not disabled' : 'can sign in again'}.`);
  });
}

function addRename(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'rename <name> <new-name>',
    summary: 'give a user another name and end all their sessions, which have the old one',
    examples: [
      ['user rename ann anna', ''],
      ['user rename --id 42 anna', 'the user with that id'],
    ],
  }).option('--id', 'the first argument is a number from users.id');
  setAction<ById>(command, finish, async (options, name = '', newName = '') => {
    requireGoodName(newName);
    const stores = openStores(options, 'redis', 'database');
    const user = await requireUser(stores, name, options);
    try {
      await stores.users.rename(user.id, newName);
    } catch (error) {
      throw error instanceof UserRefusedError && error.isTaken ? nameTaken(newName) : error;
    }
    // Apps get the name from the session; another user may get the old one.
    const ended = await endSessionsOf(stores, user.id, 'admin');
    if (options.json !== true) say(`${printable(user.username)} is now ${printable(newName)}.`);
    return reportEnd(stores, ended, {
      json: options.json === true,
      view: { user: viewStoredUser({ ...user, username: newName }) },
      left: `The user is renamed, but sessions with the old name may still be open`,
      retry: `hoskie session end-all --id ${user.id}`,
    });
  });
}

function addList(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'list',
    summary: 'list users in the order of their ids',
    examples: [
      ['user list --like ann', 'names and e-mail addresses with "ann" in them'],
      ["user list --like '%@example.org' --inactive", '% matches anything'],
    ],
  })
    .option('--inactive', 'only disabled users')
    .option('--like <text>', 'part of the name or e-mail address')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 100_000), LIST_LIMIT);
  setAction<{ inactive?: boolean; like?: string; limit: number }>(command, finish, async (options) => {
    const stores = openStores(options, 'database');
    const { inactive = false, like = null, limit } = options;
    const found = await stores.users.list({ inactiveOnly: inactive, like, limit: limit + 1 });
    const users = found.slice(0, limit);
    const hasMore = found.length > limit;
    if (options.json === true) {
      sayJson({ users: users.map(viewStoredUser), has_more: hasMore });
      return;
    }
    sayTable(
      ['ID', 'NAME', 'E-MAIL', 'ACTIVE', 'LAST SIGN-IN', 'PASSWORD'],
      users.map((user) => [
        user.id,
        user.username,
        user.email,
        user.isActive,
        timeText(user.lastLoginAtMs),
        hashFormat(user.passwordHash, stores.settings.PBKDF2_MAX_ITERATIONS).name,
      ]),
    );
    if (hasMore) note(paint('dim', `There are more; try --limit ${limit * 10}.`));
  });
}

function requireGoodName(name: string): void {
  const flaw = findUsernameFlaw(name);
  if (flaw !== null) throw new CliError(EXIT.usage, `Invalid name: ${flaw}.`);
}

const nameTaken = (name: string): CliError =>
  new CliError(EXIT.failed, `The user ${printable(name)} already exists.`);

async function readHash(input: PasswordInput, username: string, settings: Settings): Promise<string> {
  const password = await readNewPassword(input, (given) => {
    if (!given.isWellFormed() || characterCount(given) > NEW_PASSWORD_MAX_CHARACTERS)
      return `The new password can't be longer than ${NEW_PASSWORD_MAX_CHARACTERS} characters.`;
    const minLength = settings.MIN_PASSWORD_LENGTH;
    return findPasswordFlaw({ password: given, username, minLength })?.message ?? null;
  });
  return hashPassword(password, settings.BCRYPT_ROUNDS);
}

/** Everything except the hash. */
const viewStoredUser = (user: StoredUser) => ({
  id: user.id,
  username: user.username,
  email: user.email,
  first_name: user.firstName,
  last_name: user.lastName,
  is_active: user.isActive,
  last_login_at: timeText(user.lastLoginAtMs),
  created_at: timeText(user.createdAtMs),
  password_format: hashFormat(user.passwordHash).name,
});
