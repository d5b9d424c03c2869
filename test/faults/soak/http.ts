import type { RequestInit, Response } from 'miniflare';
import type { Ledger, TrackedSession } from './ledger.ts';

/** The built Worker, wherever it runs. */
export interface SoakWorker {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Runs the cron. */
  scheduled(): Promise<void>;
  /** What it wrote to the console. */
  readonly logs: string[];
}

export interface HttpResponse {
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
  /** Value of each cookie that was set; empty where it was expired. */
  readonly cookies: ReadonlyMap<string, string>;
  /** Unix ms. */
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  form?: Record<string, string>;
  json?: unknown;
  /** Any other status but 503 is a violation. */
  expected: readonly number[];
}

export const ORIGIN = 'https://login.example.org';
const RESPONSE_DEADLINE_MS = 5000;

/** Headers of a request that this session sends: its credential and, for a cookie, its CSRF token. */
export const credentialHeaders = ({ kind, token, csrfToken }: TrackedSession): Record<string, string> =>
  kind === 'bearer'
    ? { Authorization: `Bearer ${token}` }
    : {
        Cookie: `sessionid=${token}; csrftoken=${csrfToken}`,
        'X-CSRFToken': csrfToken,
        Origin: ORIGIN,
      };

/** Whether workerd closed an idle connection just as a request was to be sent on it. */
export const wasClosedIdle = (error: unknown): boolean =>
  error instanceof TypeError && /other side closed|ECONNRESET/.test(String(error.cause));

/** Sends one request and checks what holds for every response. */
export async function send(
  worker: SoakWorker,
  ledger: Ledger,
  ipAddress: string,
  { method, path, headers = {}, form, json, expected }: HttpRequest,
): Promise<HttpResponse> {
  const body = form === undefined ? json && JSON.stringify(json) : new URLSearchParams(form).toString();
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  const sentAtMs = Date.now();
  const startedAtMs = performance.now();
  const response = await worker.fetch(ORIGIN + path, {
    method,
    redirect: 'manual',
    headers: {
      'CF-Connecting-IP': ipAddress,
      'User-Agent': 'soak',
      ...(typeof body === 'string' ? { 'Content-Type': type } : {}),
      ...headers,
    },
    ...(typeof body === 'string' ? { body } : {}),
  });
  const text = await response.text();
  const tookMs = performance.now() - startedAtMs;
  const cookies = new Map(response.headers.getSetCookie().map(readSetCookie));
  const what = `${method} ${path.replace(/[0-9a-z]{26}/, '{id}')}`;

  ledger.count('requests');
  ledger.responseTime(what, tookMs);
  if (tookMs > RESPONSE_DEADLINE_MS) ledger.violation(`${what} took ${Math.round(tookMs)} ms`);
  if (response.status === 503) {
    ledger.count('responses with 503');
    if (response.headers.get('Retry-After') === null) ledger.violation(`${what}: 503 without Retry-After`);
    if (cookies.has('sessionid')) ledger.violation(`${what}: 503 that sets the session cookie`);
  } else if (!expected.includes(response.status)) {
    ledger.violation(`${what}: ${response.status} ${text.slice(0, 200)}`);
  }
  return {
    status: response.status,
    location: response.headers.get('Location'),
    body: text,
    cookies,
    sentAtMs,
    receivedAtMs: Date.now(),
  };
}

function readSetCookie(text: string): [string, string] {
  const [pair = ''] = text.split(';');
  const at = pair.indexOf('=');
  return [pair.slice(0, at), /Max-Age=0/.test(text) ? '' : pair.slice(at + 1)];
}
