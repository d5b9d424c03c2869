import createClient, { type Client, type ClientOptions } from 'openapi-fetch';
import type { paths } from './generated/api.ts';
import { parseOrigin } from './internal/origin.ts';

/**
 * A typed client of the JSON API. Errors are returned, not thrown: `error` is the problem (RFC 9457), `response` has the
 * status. A request throws only if there is no response. Throws a TypeError if `origin` is not an origin.
 *
 * @param origin of the service, e.g. `https://login.example.org`
 * @param token the bearer token, once there is one
 * @param options `fetch` instead of the global one, e.g. a service binding's: `(request) => env.HOSKIE.fetch(request)`
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
    baseUrl: `${parseOrigin('origin', origin)}/api/v1`,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    ...options,
  });
