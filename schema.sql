-- Cloud Hoskie: users, and the record of their sign-ins and sign-outs.
--
-- For MySQL 8 and 9, Vitess (PlanetScale) and MariaDB 10.11. May be applied again at any time: it creates what is missing
-- and changes nothing that exists. One column or key a line: `hoskie schema` makes ALTER statements from them. No foreign
-- keys: Vitess has them off by default, and the record of what a user did must outlive the user. All times are UTC; so is
-- the server's time zone.

CREATE TABLE IF NOT EXISTS users (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'Identity of the user; imported users keep that of their Django site',
  username VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'What is typed at sign-in; case and accents count',
  password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'Django format: bcrypt_sha256$$2b$10$... is what the service writes; anything it cannot read never matches',
  email VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL COMMENT 'For people, not for sign-in; NULL when not known',
  first_name VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL DEFAULT '' COMMENT 'Given name, as Django keeps it',
  last_name VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL DEFAULT '' COMMENT 'Family name, as Django keeps it',
  is_active TINYINT(1) NOT NULL DEFAULT 1 COMMENT '0: may not sign in; disabling with the operator tool also ends the sessions',
  last_login_at DATETIME(3) NULL COMMENT 'UTC time of the last successful sign-in; written after the response; NULL when never',
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) COMMENT 'UTC time at which this row was made',
  PRIMARY KEY (id),
  UNIQUE KEY users_username (username)
) DEFAULT CHARACTER SET utf8mb4 COMMENT 'Who may sign in';

CREATE TABLE IF NOT EXISTS deleted_users (
  id BIGINT UNSIGNED NOT NULL COMMENT 'users.id of a user whom the operator tool deleted; no new user may get it, as activity rows keep it',
  deleted_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) COMMENT 'UTC time at which the user was deleted',
  PRIMARY KEY (id)
) DEFAULT CHARACTER SET utf8mb4 COMMENT 'Ids that are never given out again';

CREATE TABLE IF NOT EXISTS logout_activity (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'UUIDv7 made when the session ended; the same event never makes two rows',
  user_id BIGINT UNSIGNED NOT NULL COMMENT 'users.id of the session that ended',
  username VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'The name at the time of sign-in',
  session_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'Public id of the session that ended; never its token. A session ends once',
  ip_address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'Address of the request that ended the session, or if it expired, of its sign-in: IPv4 or compressed IPv6; NULL when not known',
  user_agent VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'User-Agent of that request, cut at 512 characters; NULL when it sent none',
  country CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'Country of that address as Cloudflare reports it (ISO 3166-1, XX unknown, T1 Tor); NULL when not known',
  reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'logout, logout_others, logout_all, revoked, replaced, evicted, password_changed, admin, expired_idle, expired_absolute or abandoned',
  logged_out_at DATETIME(3) NOT NULL COMMENT 'UTC time at which the session ended, not at which this row was written',
  recorded_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) COMMENT 'UTC time at which this row was written; much later than logged_out_at after an outage',
  PRIMARY KEY (id),
  KEY logout_activity_user (user_id, logged_out_at),
  KEY logout_activity_ip (ip_address, logged_out_at),
  KEY logout_activity_time (logged_out_at, reason),
  UNIQUE KEY logout_activity_session (session_id)
) DEFAULT CHARACTER SET utf8mb4 COMMENT 'LogoutActivity: one row for each session that ended';

CREATE TABLE IF NOT EXISTS login_activity (
  id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'UUIDv7 made at the attempt; the same event never makes two rows',
  user_id BIGINT UNSIGNED NULL COMMENT 'users.id; NULL when no user has that name',
  username VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'The name of the user; where no user has the typed one: unknown: and 16 hex digits of its keyed hash',
  outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'success, bad_credentials, inactive or throttled (once a window)',
  session_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'Public id of the session that began; NULL when none did',
  ip_address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'Address of the request: IPv4 or compressed IPv6; NULL when not known',
  user_agent VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'User-Agent of the request, cut at 512 characters; NULL when it sent none',
  country CHAR(2) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'Country of the address as Cloudflare reports it; NULL when not known',
  occurred_at DATETIME(3) NOT NULL COMMENT 'UTC time of the attempt, not of the writing of this row',
  recorded_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) COMMENT 'UTC time at which this row was written',
  PRIMARY KEY (id),
  KEY login_activity_user (user_id, occurred_at),
  KEY login_activity_username (username, occurred_at),
  KEY login_activity_ip (ip_address, occurred_at),
  KEY login_activity_time (occurred_at, outcome),
  KEY login_activity_session (session_id)
) DEFAULT CHARACTER SET utf8mb4 COMMENT 'LoginActivity: sign-ins and failed attempts';
