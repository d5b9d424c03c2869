import type { UserId } from '../lib/ids.ts';
import type { Row, SqlClient } from '../store/sql-client.ts';
import type { User, UserStore } from './user-store.ts';
import { normalizeUsername } from './username.ts';

const COLUMNS = 'id, username, password_hash, is_active';

/** The `users` table of schema.sql. */
export function mysqlUserStore(sql: SqlClient): UserStore {
  return {
    async findByUsername(username) {
      const names = [username, normalizeUsername(username)];
      // The first condition can use the index; the second respects trailing spaces, which utf8mb4_bin ignores when it
      // compares.
      const { rows } = await sql.execute(
        `SELECT ${COLUMNS}, CAST(username AS BINARY) = ? AS is_as_typed FROM users
         WHERE username IN (?, ?) AND CAST(username AS BINARY) IN (?, ?)
         ORDER BY is_as_typed DESC LIMIT 1`,
        [username, ...names, ...names],
      );
      const user = readUser(rows[0]);
      if (user === null) return null;
      // Not the row's own text, because the client drops a byte order mark at the beginning of one.
      return { ...user, username: names[Number(rows[0]?.['is_as_typed']) === 1 ? 0 : 1] ?? user.username };
    },

    async findById(id) {
      const { rows } = await sql.execute(`SELECT ${COLUMNS} FROM users WHERE id = ?`, [id]);
      return readUser(rows[0]);
    },

    async replacePasswordHash(id, oldHash, newHash) {
      const { rowsAffected } = await sql.execute(
        'UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?',
        [newHash, id, oldHash],
      );
      return rowsAffected > 0;
    },

    async ping() {
      // The activity log writes last_login_at.
      await sql.execute(`SELECT ${COLUMNS}, last_login_at FROM users LIMIT 0`, []);
    },
  };
}

function readUser(row: Row | undefined): User | null {
  if (row === undefined) return null;
  const { id, username, password_hash: passwordHash, is_active: isActive } = row;
  if (typeof username !== 'string' || typeof passwordHash !== 'string') return null;
  return { id: String(id) as UserId, username, passwordHash, isActive: Number(isActive) === 1 };
}
