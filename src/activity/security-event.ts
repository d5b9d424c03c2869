import type { LogEvent, LogFields } from '../log.ts';
import type { Activity, LoginOutcome } from './events.ts';

const LOGIN_EVENTS: Record<LoginOutcome, LogEvent> = {
  success: 'authn_login_success',
  bad_credentials: 'authn_login_fail',
  inactive: 'authn_login_fail',
  throttled: 'authn_login_fail_max',
};

/** The log line of an activity, beside its row: for alerts, which cannot wait for a query. Names nobody. */
export function securityEventOf(activity: Activity): [LogEvent, LogFields] {
  const isLogin = activity.type === 'login';
  return [
    isLogin ? LOGIN_EVENTS[activity.outcome] : 'session_expired',
    {
      activity_id: activity.id,
      user_id: activity.userId,
      session_id: activity.sessionId,
      reason: isLogin ? activity.outcome : activity.reason,
      ip_address: activity.client.ipAddress,
    },
  ];
}
