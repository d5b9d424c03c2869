import type { UserId } from '../../../src/lib/ids.ts';
import { textOf, textOrNull } from '../../../src/lib/text.ts';
import {
  StatementRefusedError,
  type Row,
  type SqlClient,
  type SqlValue,
} from '../../../src/store/sql-client.ts';
import { fromSqlTime, toSqlTime } from '../../../src/store/sql-time.ts';
import {
  UserRefusedError,
  type NewUserRecord,
  type ProfileUpdate,
  type StoredUser,
  type UserAdmin,
  type UserUpdate,
} from './user-admin.ts';

const COLUMNS =
  'id, username, password_hash, email, first_name, last_name, is_active, last_login_at, created_at';
/** The user may sign in meanwhile. */
const LATER_SIGN_IN = 'IF(last_login_at IS NULL OR last_login_at < ?, ?, last_login_at)';
const DUPLICATE_ERRNO = 1062;

/** An operator's view of the `users` table of schema.sql. */
export function mysqlUserAdmin(sql: SqlClient): UserAdmin {
  const select = async (where: string, values: readonly SqlValue[]): Promise<StoredUser[]> => {
    const { rows } = await sql.execute(`SELECT ${COLUMNS} FROM users WHERE ${where}`, values);
    return rows.map(readUser);
  };
  const selectAny = async (column: string, values: readonly string[]): Promise<StoredUser[]> =>
    values.length === 0 ? [] : select(`${column} IN (${values.map(() => '?').join(', ')})`, values);

  return {
    async findByUsername(username) {
      const [user] = await select('username = ?', [username]);
      // utf8mb4_bin ignores trailing spaces when it compares; we don't.
      return user?.username === username ? user : null;
    },

    findById: async (id) => (await select('id = ?', [id]))[0] ?? null,

    list({ inactiveOnly, like, limit }) {
      const conditions = inactiveOnly ? ['is_active = 0'] : ['1 = 1'];
      const values: string[] = [];
      if (like !== null) {
        const pattern = toLikePattern(like);
        // The column compares exactly; an operator's search ignores case.
        conditions.push("(username COLLATE utf8mb4_general_ci LIKE ? ESCAPE '|' OR email LIKE ? ESCAPE '|')");
        values.push(pattern, pattern);
      }
      return select(`${conditions.join(' AND ')} ORDER BY id LIMIT ${limit}`, values);
    },

    findByIds: (ids) => selectAny('id', ids),
    findByUsernames: (usernames) => selectAny('username', usernames),

    async insert(users) {
      if (users.length === 0) return;
      const withIds = users[0]?.id !== null;
      const rows = users.map((user) => (withIds ? [user.id, ...valuesOf(user)] : valuesOf(user)));
      const places = rows.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ');
      const columns = `${withIds ? 'id, ' : ''}username, password_hash, email, first_name, last_name, is_active, last_login_at`;
      await refusedAsUser(() => sql.execute(`INSERT INTO users (${columns}) VALUES ${places}`, rows.flat()));
    },

    async setPasswordHash(id, passwordHash) {
      await sql.execute('UPDATE users SET password_hash = ? WHERE id = ?', [passwordHash, id]);
    },

    async setActive(id, isActive) {
      await sql.execute('UPDATE users SET is_active = ? WHERE id = ?', [isActive ? 1 : 0, id]);
    },

    async update(id, oldHash, changes) {
      const { assignments, values } = assignmentsOf(changes);
      if (assignments.length === 0) return true;
      const { rowsAffected } = await refusedAsUser(() =>
        sql.execute(`UPDATE users SET ${assignments.join(', ')} WHERE id = ? AND password_hash = ?`, [
          ...values,
          id,
          oldHash,
        ]),
      );
      return rowsAffected > 0;
    },

    async rename(id, username) {
      await refusedAsUser(() => sql.execute('UPDATE users SET username = ? WHERE id = ?', [username, id]));
    },

    async reserveId(id) {
      await sql.execute('INSERT IGNORE INTO deleted_users (id) VALUES (?)', [id]);
    },

    async findReserved(ids) {
      if (ids.length === 0) return new Set();
      const places = ids.map(() => '?').join(', ');
      const { rows } = await sql.execute(`SELECT id FROM deleted_users WHERE id IN (${places})`, ids);
      return new Set(rows.map((row) => textOf(row['id']) as UserId));
    },

    async delete(id) {
      await sql.execute('DELETE FROM users WHERE id = ?', [id]);
    },

    async eraseActivity(table, id, limit) {
      const { rowsAffected } = await sql.execute(
        `UPDATE ${table} SET username = '', ip_address = NULL, user_agent = NULL
         WHERE user_id = ? AND (username <> '' OR ip_address IS NOT NULL OR user_agent IS NOT NULL) LIMIT ${limit}`,
        [id],
      );
      return rowsAffected;
    },

    async updateProfiles(users) {
      const { assignments, values } = profileAssignments(users);
      if (assignments.length === 0) return;
      const ids = users.map(({ id }) => id);
      await refusedAsUser(() =>
        sql.execute(
          `UPDATE users SET ${assignments.join(', ')} WHERE id IN (${ids.map(() => '?').join(', ')})`,
          [...values, ...ids],
        ),
      );
    },
  };
}

async function refusedAsUser<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof StatementRefusedError)) throw error;
    throw new UserRefusedError(error.errno, error.errno === DUPLICATE_ERRNO);
  }
}

const valuesOf = (user: NewUserRecord): SqlValue[] => [
  user.username,
  user.passwordHash,
  user.email,
  user.firstName,
  user.lastName,
  user.isActive ? 1 : 0,
  user.lastLoginAtMs === null ? null : toSqlTime(user.lastLoginAtMs),
];

type Profile = { readonly id: UserId; readonly changes: ProfileUpdate };

/** `column = CASE id WHEN ... END` for each column that changes for any of these users. */
function profileAssignments(users: readonly Profile[]): { assignments: string[]; values: SqlValue[] } {
  const assignments: string[] = [];
  const values: SqlValue[] = [];
  const set = (
    column: string,
    valueOf: (changes: ProfileUpdate) => SqlValue | undefined,
    then = '?',
  ): void => {
    const given = users.flatMap(({ id, changes }) => {
      const value = valueOf(changes);
      return value === undefined ? [] : [{ id, value }];
    });
    if (given.length === 0) return;
    // Ids are sent as text, which would be compared as a floating-point number.
    const cases = given.map(() => `WHEN CAST(? AS UNSIGNED) THEN ${then}`).join(' ');
    assignments.push(`${column} = CASE id ${cases} ELSE ${column} END`);
    const places = then.split('?').length - 1;
    for (const { id, value } of given) values.push(id, ...Array<SqlValue>(places).fill(value));
  };
  set('email', ({ email }) => email);
  set('first_name', ({ firstName }) => firstName);
  set('last_name', ({ lastName }) => lastName);
  set(
    'last_login_at',
    ({ lastLoginAtMs }) => (lastLoginAtMs === undefined ? undefined : toSqlTime(lastLoginAtMs)),
    LATER_SIGN_IN,
  );
  return { assignments, values };
}

function assignmentsOf(changes: UserUpdate): { assignments: string[]; values: SqlValue[] } {
  const assignments: string[] = [];
  const values: SqlValue[] = [];
  const set = (assignment: string, ...given: SqlValue[]): void => {
    assignments.push(assignment);
    values.push(...given);
  };
  if (changes.passwordHash !== undefined) set('password_hash = ?', changes.passwordHash);
  if (changes.email !== undefined) set('email = ?', changes.email);
  if (changes.firstName !== undefined) set('first_name = ?', changes.firstName);
  if (changes.lastName !== undefined) set('last_name = ?', changes.lastName);
  if (changes.isActive === false) set('is_active = 0');
  if (changes.lastLoginAtMs !== undefined) {
    const at = toSqlTime(changes.lastLoginAtMs);
    set(`last_login_at = ${LATER_SIGN_IN}`, at, at);
  }
  return { assignments, values };
}

/** `_` is common in names, so it matches itself. `|` escapes it: a backslash depends on the server's mode. */
function toLikePattern(text: string): string {
  const escaped = text.replace(/[|_]/g, '|$&');
  return text.includes('%') ? escaped : `%${escaped}%`;
}

const readUser = (row: Row): StoredUser => ({
  id: String(row['id']) as UserId,
  username: textOf(row['username']),
  passwordHash: textOf(row['password_hash']),
  email: textOrNull(row['email']),
  firstName: textOf(row['first_name']),
  lastName: textOf(row['last_name']),
  isActive: Number(row['is_active']) === 1,
  lastLoginAtMs: fromSqlTime(row['last_login_at']),
  createdAtMs: fromSqlTime(row['created_at']) ?? 0,
});
