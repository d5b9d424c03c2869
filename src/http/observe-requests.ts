import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { LogEvent } from '../log.ts';
import type { AppContext, AppEnv } from './context.ts';

/** Refusals that alerts look for, in OWASP's words; sign-ins and sign-outs are logged where they happen. */
const SECURITY_EVENTS: Readonly<Record<string, LogEvent>> = {
  invalid_fields: 'input_validation_fail',
  malformed_body: 'input_validation_fail',
  csrf_failed: 'authz_fail',
  foreign_origin: 'malicious_cors',
  throttled: 'excess_rate_limit_exceeded',
};

/** Gives each response its log line, its `X-Request-Id` and its `Server-Timing`. */
export const observeRequests: MiddlewareHandler<AppEnv> = async (c, next) => {
  const request = c.get('request');
  const { requestId, trace, clock, log } = request;
  const startedAtMs = clock.nowMs();
  await next();
  c.res.headers.set('Server-Timing', serverTiming(c));
  c.res.headers.set('X-Request-Id', requestId);
  const route = routePath(c, -1);
  const outcome = c.get('outcome');
  const securityEvent = SECURITY_EVENTS[outcome];
  if (securityEvent !== undefined) {
    log.event(securityEvent, {
      request_id: requestId,
      route,
      reason: outcome,
      ip_address: request.client.ipAddress,
    });
  }
  log.event('request', {
    request_id: requestId,
    ...clientRequestId(c),
    method: c.req.method,
    route,
    status: c.res.status,
    duration_ms: clock.nowMs() - startedAtMs,
    store_round_trips: trace.roundTrips(),
    outcome,
  });
};

/** The client's own id for its request, if it looks like one: for the log alone. */
function clientRequestId(c: AppContext): { client_request_id?: string } {
  const id = c.req.header('X-Request-Id') ?? '';
  return /^[\w=-]{1,64}$/.test(id) ? { client_request_id: id } : {};
}

/**
 * Helps to look into a slow page (W3C Server Timing). Times on reads alone: how long a sign-in took, to the
 * millisecond and without the network, would help to guess.
 */
function serverTiming(c: AppContext): string {
  const { trace } = c.get('request');
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
  return `store;desc="round trips: ${trace.roundTrips()}"${isRead ? `;dur=${trace.spentMs()}` : ''}`;
}
