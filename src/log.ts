/**
 * Names of the events that are logged; docs/operators.md explains each. Where OWASP's Application Logging Vocabulary has
 * a word for it, that word is used.
 */
export type LogEvent =
  | 'authn_login_success'
  | 'authn_login_fail'
  | 'authn_login_fail_max'
  | 'authn_password_change'
  | 'authn_password_change_fail'
  | 'session_expired'
  | 'session_use_after_expire'
  | 'excess_rate_limit_exceeded'
  | 'input_validation_fail'
  | 'malicious_cors'
  | 'authz_fail'
  | 'request'
  | 'client_address_missing'
  | 'settings_malformed'
  | 'store_unavailable'
  | 'background_failed'
  | 'internal_error'
  | 'activity_not_queued'
  | 'session_cookies_conflict'
  | 'session_cookies_ignored'
  | 'session_ended_again'
  | 'expired_sessions'
  | 'activity_set_aside'
  | 'activity_refused'
  | 'activity_unreadable'
  | 'activity_delivery'
  | 'activity_retention'
  | 'webhook_failed'
  | 'webhook_down'
  | 'webhook_set_aside'
  | 'webhook_dropped'
  | 'webhook_not_queued'
  | 'webhook_delivery'
  | 'password_rehashed';

/**
 * Fields that may be logged. A list of what is allowed, so that no token, password, mistyped name, SQL or vendor's text
 * gets into a log because it was at hand.
 */
export interface LogFields {
  readonly request_id?: string;
  /** As the client sent it, bounded and in plain characters. */
  readonly client_request_id?: string;
  readonly method?: string;
  /** The route's pattern or a page's path; never the query. */
  readonly route?: string;
  /** Of an app that a proxy asks about. */
  readonly host?: string;
  readonly status?: number;
  /** Milliseconds. */
  readonly duration_ms?: number;
  /** One after the other, until the response. */
  readonly store_round_trips?: number;
  readonly store?: string;
  readonly fault?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly task?: string;
  readonly settings?: readonly string[];
  readonly user_id?: string | null;
  readonly session_id?: string | null;
  readonly activity_id?: string | null;
  /** A whole log-out as JSON, where only the log has it. */
  readonly activity?: string;
  readonly user_ids?: readonly string[];
  readonly ip_address?: string | null;
  readonly ended_by_ip_address?: string | null;
  readonly ended_at?: string;
  /** Name of an event receiver. */
  readonly receiver?: string;
  /** RFC 3339. */
  readonly until?: string;
  readonly count?: number;
  /** Class name of an unexpected error; its text could hold anything. */
  readonly error?: string;
  /** Functions and places of an unexpected error, without its text. */
  readonly stack?: readonly string[];
}

export interface Log {
  event(name: LogEvent, fields: LogFields): void;
}

/** One line of JSON an event, which Workers Logs index field by field. */
export const consoleLog: Log = {
  event: (name, fields) => console.log(JSON.stringify({ event: name, ...fields })),
};
