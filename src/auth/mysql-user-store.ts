import type { UserId } from '../lib/ids.ts';
import type { Row, SqlClient } from '../store/sql-client.ts';
import type { User, UserStore } from './user-store.ts';

const COLUMNS = 'id, username, password_hash, is_active';

/** The `users` table of schema.sql. */
export function mysqlUserStore(sql: SqlClient): UserStore {
  return {
    async findByUsername(username) {
      // utf8mb4_bin ignores trailing spaces when it compares; the length in bytes doesn't. The name isn't compared with
      // the one in the row, because the client drops a byte order mark at the beginning of a text.
      const { rows } = await sql.execute(
        `SELECT ${COLUMNS} FROM users WHERE username = ? AND LENGTH(username) = ?`,
        [username, new TextEncoder().encode(username).length],
      );
      const user = readUser(rows[0]);
      return user === null ? null : { ...user, username };
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
