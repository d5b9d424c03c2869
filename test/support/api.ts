import { expect } from 'vitest';
import { expectAsDescribed } from './api-description.ts';
import type { Answer, Visitor } from './visitor.ts';

export const API = '/api/v1';

export interface SessionBody {
  id: string;
  current: boolean;
  kind: string;
  created_at: string;
  last_seen_at: string;
  expires_at: string;
  ip_address: string | null;
  user_agent: string | null;
  device_name: string | null;
  remember_me: boolean;
}

export interface LogoutBody {
  id: string;
  session_id: string;
  reason: string;
  logged_out_at: string;
  ip_address: string | null;
  user_agent: string | null;
  country: string | null;
}

/** The members of all response bodies together; a test reads those that its route has. */
export interface ApiBody {
  token: string;
  token_type: string;
  expires_at: string;
  device_token: string;
  session: SessionBody;
  sessions: SessionBody[];
  user: { id: string; username: string };
  revoked: number;
  logouts: LogoutBody[];
  next_before: string | null;
  code: string;
  detail: string;
  errors: { field: string; message: string }[];
}

export interface ApiAnswer extends Omit<Answer, 'body'> {
  text: string;
  body: ApiBody;
}

export interface ApiRequest {
  /** Sent unchanged, instead of `json`. */
  body?: string;
  json?: unknown;
  /** Override the others; undefined removes one. */
  headers?: Record<string, string | undefined>;
}

const MEDIA_TYPE = 'application/problem+json';

/**
 * Calls the API as an app with a bearer token, as a script on a page with this browser's cookies, or anonymously. Each
 * response must match openapi.json, and each refusal must be a complete RFC 9457 problem.
 */
export class ApiCaller {
  readonly visitor: Visitor;
  readonly token: string | undefined;

  constructor(visitor: Visitor, token?: string) {
    this.visitor = visitor;
    this.token = token;
  }

  get = (path: string, request?: ApiRequest): Promise<ApiAnswer> => this.call('GET', path, request);
  post = (path: string, json: unknown): Promise<ApiAnswer> => this.call('POST', path, { json });
  put = (path: string, json: unknown): Promise<ApiAnswer> => this.call('PUT', path, { json });
  delete = (path: string, request?: ApiRequest): Promise<ApiAnswer> => this.call('DELETE', path, request);

  async call(method: string, path: string, { json, body, headers }: ApiRequest = {}): Promise<ApiAnswer> {
    const sent = body ?? (json === undefined ? undefined : JSON.stringify(json));
    const answer = await this.visitor.request(API + path, {
      method,
      headers: {
        Accept: '*/*',
        ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(await this.#credentials(method)),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const isPage = answer.headers.get('Content-Type')?.startsWith('text/html') === true;
    const parsed = (isPage ? answer.body : JSON.parse(answer.body)) as ApiBody;
    const place = `${method} ${path}`;
    if (answer.status >= 400) expectProblem(answer, parsed, place);
    if (path !== '/openapi.json' || answer.status !== 200)
      expect(answer.headers.get('Cache-Control'), place).toBe('no-store');
    await expectAsDescribed(this.visitor, { method, path, answer, parsed });
    return { ...answer, text: answer.body, body: parsed };
  }

  async #credentials(method: string): Promise<Record<string, string | undefined>> {
    if (this.token !== undefined) return { Authorization: `Bearer ${this.token}` };
    const csrf = await this.visitor.cookie('csrftoken');
    if (csrf === undefined || method === 'GET') return {};
    return { 'X-CSRFToken': csrf, Origin: this.visitor.origin, 'Sec-Fetch-Site': 'same-origin' };
  }
}

function expectProblem({ status, headers }: Answer, problem: unknown, place: string): void {
  expect(headers.get('Content-Type'), place).toBe(MEDIA_TYPE);
  expect(problem, place).toMatchObject({
    // A URI, RFC 9457 section 3.1.1.
    type: expect.stringMatching(/^[a-z][a-z0-9+.-]*:/) as string,
    title: expect.stringMatching(/./) as string,
    status,
    detail: expect.stringMatching(/./) as string,
    code: expect.stringMatching(/^[a-z_]+$/) as string,
    request_id: expect.stringMatching(/./) as string,
  });
  const challenge = headers.get('WWW-Authenticate');
  if (status === 401)
    expect(challenge, place).toMatch(/^Bearer realm="Cloud Hoskie"(?:, error="invalid_token")?$/);
  else expect(challenge, place).toBeNull();
  if (status === 429 || status === 503) expect(Number(headers.get('Retry-After')), place).toBeGreaterThan(0);
}
