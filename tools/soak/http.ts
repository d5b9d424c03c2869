import type { RequestInit, Response } from 'miniflare';
import type { Ledger } from './ledger.ts';

/** The built Worker, wherever it runs. */
export interface SoakWorker {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Runs the cron. */
  scheduled(): Promise<void>;
  /** What it wrote to the console. */
  readonly logs: string[];
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string | null;
  readonly body: string;
  /** Value of each cookie that was set; empty where it was expired. */
  readonly cookies: ReadonlyMap<string, string>;
  /** Unix ms. */
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  form?: Record<string, string>;
  json?: unknown;
  /** Any other status but 503 is a breach. */
  expected: readonly number[];
}

export const ORIGIN = 'https://login.example.org';
const ANSWER_DEADLINE_MS = 5000;

/** Sends one request and checks what holds for every answer. */
export async function send(
  worker: SoakWorker,
  ledger: Ledger,
  ipAddress: string,
  { method, path, headers = {}, form, json, expected }: HttpRequest,
): Promise<HttpAnswer> {
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
  ledger.took(what, tookMs);
  if (tookMs > ANSWER_DEADLINE_MS) ledger.breach(`${what} took ${Math.round(tookMs)} ms`);
  if (response.status === 503) {
    ledger.count('answers 503');
    if (response.headers.get('Retry-After') === null) ledger.breach(`${what}: 503 without Retry-After`);
    if (cookies.has('sessionid')) ledger.breach(`${what}: 503 that touches the session cookie`);
  } else if (!expected.includes(response.status)) {
    ledger.breach(`${what}: ${response.status} ${text.slice(0, 200)}`);
  }
  return {
    status: response.status,
    location: response.headers.get('Location'),
    body: text,
    cookies,
    sentAtMs,
    answeredAtMs: Date.now(),
  };
}

function readSetCookie(text: string): [string, string] {
  const [pair = ''] = text.split(';');
  const at = pair.indexOf('=');
  return [pair.slice(0, at), /Max-Age=0/.test(text) ? '' : pair.slice(at + 1)];
}
