-- Cloud Hoskie: views for short questions in a database console. Optional: nothing else needs them.
--
-- `npm run schema -- --views` applies this file, after schema.sql; it may be applied again at any time. On Vitess
-- (PlanetScale) in unsharded keyspaces only: sharded ones can't have views. A view adds no index and no right: with MERGE,
-- your WHERE, ORDER BY and LIMIT reach the indexes of the tables, and INVOKER lets you read no more than the tables do.
-- Columns have the names and meanings of schema.sql, all times are UTC, and so is "today".

-- Sign-ins whose session has not ended. Give it a time: no session is older than REMEMBER_ME_AGE, 30 days by default.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW open_sessions AS
SELECT i.occurred_at, i.user_id, i.username, i.ip_address, i.country, i.user_agent, i.session_id
FROM login_activity AS i LEFT JOIN logout_activity AS o ON o.session_id = i.session_id
WHERE i.outcome = 'success' AND o.session_id IS NULL;

-- Sessions that ended since midnight UTC, for whatever reason.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW sign_outs_today AS
SELECT logged_out_at, user_id, username, reason, ip_address, country, user_agent, session_id
FROM logout_activity
WHERE logged_out_at >= UTC_DATE();

-- Attempts to sign in that failed in the past 24 hours.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW recent_failures AS
SELECT occurred_at, user_id, username, outcome, ip_address, country, user_agent
FROM login_activity
WHERE outcome <> 'success' AND occurred_at >= UTC_TIMESTAMP() - INTERVAL 1 DAY;

-- Each session with its end, for WHERE user_id = ... or username = ...; the name is that at the time of sign-in. Address,
-- country and browser are those of the sign-in; logged_out_at, reason and ended_by_ip_address are NULL while it is open.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW sessions_of_user AS
SELECT i.occurred_at, i.user_id, i.username, i.ip_address, i.country, i.user_agent, i.session_id,
       o.logged_out_at, o.reason, o.ip_address AS ended_by_ip_address
FROM login_activity AS i LEFT JOIN logout_activity AS o ON o.session_id = i.session_id
WHERE i.outcome = 'success';
