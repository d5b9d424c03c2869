import { hc } from 'hono/client';
import type { ApiV1 } from '../api/v1.ts';

/**
 * A typed client of the JSON API, made by Hono from the routes themselves.
 *
 * @param origin of the service, e.g. `https://login.example.org`
 * @param token the bearer token, once there is one
 *
 * @example
 * const guest = apiClient('https://login.example.org');
 * const signedIn = await guest.sessions.$post({ json: { username, password, device_name: "Ada's phone" } });
 * if (signedIn.status === 201) {
 *   const { token } = await signedIn.json();
 *   const client = apiClient('https://login.example.org', token);
 *   const { sessions } = await (await client.sessions.$get()).json();
 *   await client.sessions.current.$delete();
 * }
 */
export const apiClient = (origin: string, token?: string, options: { fetch?: typeof fetch } = {}) =>
  hc<ApiV1>(`${origin.replace(/\/$/, '')}/api/v1`, {
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    ...options,
  });
