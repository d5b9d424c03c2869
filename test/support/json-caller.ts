import { CHEAP_HASH } from './hostile-strings.ts';
import { seedSession } from './seed-session.ts';
import type { AttackEnvironment } from './attack-environment.ts';
import { freshAddress } from './sign-in-form.ts';
import { ORIGIN } from './visitor.ts';

export type JsonRoute = 'sign in' | 'password';

export interface JsonResponse {
  status: number;
  text: string;
  problem: { code: string; errors?: { field: string; message: string }[] };
}

export interface JsonCaller {
  /** Sends this body to one of the two routes that read JSON: as an anonymous client, or with the bearer. */
  readonly call: (
    route: JsonRoute,
    body: string | Uint8Array,
    headers?: Record<string, string>,
  ) => Promise<JsonResponse>;
  /** The token of one session, made at the first use. */
  readonly bearer: () => Promise<string>;
}

export function jsonCaller(environment: AttackEnvironment): JsonCaller {
  let token: Promise<string> | null = null;
  const openSession = async (): Promise<string> => {
    const user = await environment.addUser({ passwordHash: CHEAP_HASH });
    return (await seedSession(environment.cloud, user, { kind: 'bearer' })).token;
  };
  const bearer = (): Promise<string> => (token ??= openSession());

  return {
    bearer,
    async call(route, body, headers = {}) {
      const [method, path] = route === 'sign in' ? ['POST', '/api/v1/sessions'] : ['PUT', '/api/v1/password'];
      const response = await environment.fetch(ORIGIN + path, {
        method,
        body: typeof body === 'string' ? Buffer.from(body) : body,
        headers: {
          'Content-Type': 'application/json',
          'CF-Connecting-IP': freshAddress(),
          ...(route === 'password' ? { Authorization: `Bearer ${await bearer()}` } : {}),
          ...headers,
        },
      });
      const text = await response.text();
      return { status: response.status, text, problem: JSON.parse(text) as JsonResponse['problem'] };
    },
  };
}
