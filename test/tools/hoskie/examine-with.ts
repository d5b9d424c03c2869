import { vi } from 'vitest';
import type { WorkerVersion } from '../../../tools/hoskie/doctor/site.ts';
import type { CheckResult } from '../../../tools/hoskie/doctor/doctor.ts';
import { examine } from '../../../tools/hoskie/doctor/examine.ts';
import type { TestUser } from '../../support/people.ts';
import { ORIGIN } from '../../support/visitor.ts';
import type { TestWorker } from '../../support/worker.ts';

export interface Asked {
  url: URL;
  method: string;
  headers: Headers;
}

/** Spoils a response, in place or by returning another one. */
export type Spoil = (
  response: Response,
  asked: Asked,
) => Response | undefined | void | Promise<Response | undefined | void>;

export interface Service {
  from: TestWorker;
  /** Names of the session cookie and the CSRF cookie. */
  names?: [string, string];
  basePath?: string;
  version?: WorkerVersion;
  /** Changes what is asked, as a proxy in front of the service. */
  ask?: (asked: Asked) => void;
  spoil?: Spoil;
}

/** Examines the Worker under an https address, as if behind Cloudflare, spoilt in some way. */
export async function examineWith(
  { ask, spoil, from, names = ['sessionid', 'csrftoken'], basePath = '/', version }: Service,
  credentials: TestUser | null,
): Promise<readonly CheckResult[]> {
  vi.stubGlobal(
    'fetch',
    async (address: string, init: { method?: string; headers: Record<string, string>; body?: string }) => {
      const asked: Asked = {
        url: new URL(address),
        method: init.method ?? 'GET',
        headers: new Headers(init.headers),
      };
      asked.headers.set('CF-Connecting-IP', '203.0.113.9');
      ask?.(asked);
      const { status, headers, ...rest } = await from
        .fetch(asked.url.href, {
          ...init,
          headers: Object.fromEntries(asked.headers),
        })
        .then(async (given) => ({ status: given.status, headers: given.headers, text: await given.text() }));
      const response = new Response([204, 304].includes(status) ? null : rest.text, {
        status,
        headers: [...headers] as [string, string][],
      });
      return (await spoil?.(response, asked)) ?? response;
    },
  );
  return examine(
    { origin: ORIGIN, basePath, sessionCookie: names[0], csrfCookie: names[1], version: version ?? null },
    credentials,
    () => undefined,
  );
}

export const failuresOf = (results: readonly CheckResult[]): string[] =>
  results.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);

/** Changes each cookie that is set. */
export const cookies =
  (change: (line: string) => string): Spoil =>
  (response) => {
    const lines = response.headers.getSetCookie();
    response.headers.delete('Set-Cookie');
    for (const line of lines) response.headers.append('Set-Cookie', change(line));
  };

export const without =
  (name: string): Spoil =>
  (response) =>
    response.headers.delete(name);

/** Changes the text of the body. */
export const body =
  (change: (text: string) => string): Spoil =>
  async (response) =>
    new Response(change(await response.text()), response);
