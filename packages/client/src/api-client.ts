import createClient, { type Client, type ClientOptions } from 'openapi-fetch';
import type { paths } from './generated/api.ts';

/**
 * A typed client of the JSON API. A refusal is no exception: `error` is the problem (RFC 9457), `response` has the
 * status. It throws only if there is no response.
 *
 * @param origin of the service, e.g. `https://login.example.org`
 * @param token the bearer token, once there is one
 *
 * @example
 * const guest = apiClient('https://login.example.org');
 * const { data, error } = await guest.POST('/sessions', { body: { username, password, device_name: "Ada's phone" } });
 * if (error) return show(error.detail);
 * const client = apiClient('https://login.example.org', data.token);
 * const { data: list } = await client.GET('/sessions');
 * await client.DELETE('/sessions/current');
 */
export const apiClient = (
  origin: string,
  token?: string,
  options: Pick<ClientOptions, 'fetch'> = {},
): Client<paths> =>
  createClient<paths>({
    baseUrl: `${origin.replace(/\/$/, '')}/api/v1`,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    ...options,
  });
