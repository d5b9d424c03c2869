import type { UserId } from '../session/token.ts';
import type { Row, SqlClient } from '../store/planetscale-client.ts';
import type { User, UserStore } from './user-store.ts';

const COLUMNS = 'id, username, password_hash, is_active';

/** The `users` table of schema.sql. */
export function planetscaleUserStore(sql: SqlClient): UserStore {
  return {
    async findByUsername(username) {
      const { rows } = await sql.execute(`SELECT ${COLUMNS} FROM users WHERE username = ?`, [username]);
      const user = readUser(rows[0]);
      // utf8mb4_bin ignores trailing spaces when it compares; we do not.
      return user?.username === username ? user : null;
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
  };
}

function readUser(row: Row | undefined): User | null {
  if (row === undefined) return null;
  const { id, username, password_hash: passwordHash, is_active: isActive } = row;
  if (typeof username !== 'string' || typeof passwordHash !== 'string') return null;
  return { id: String(id) as UserId, username, passwordHash, isActive: Number(isActive) === 1 };
}
