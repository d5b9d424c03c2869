import type { Settings } from '../settings.ts';
import { safeNextUrl } from './next-url.ts';

/** A request to an app behind us, which a proxy asks about. */
export interface OriginalRequest {
  readonly method: string;
  readonly url: URL;
}

/** What nginx is told to send with `auth_request`. Null: the address is missing or malformed. */
export function readNginxRequest(headers: Headers): OriginalRequest | null {
  return originalRequest(headers.get('X-Original-Method'), headers.get('X-Original-URL'));
}

/** What Caddy and Traefik send. Null: a part of the address is missing or malformed. */
export function readForwardedRequest(headers: Headers): OriginalRequest | null {
  const [protocol, host, uri] = ['Proto', 'Host', 'Uri'].map((name) => headers.get(`X-Forwarded-${name}`));
  if (!protocol || !host || uri?.startsWith('/') !== true) return null;
  return originalRequest(headers.get('X-Forwarded-Method'), `${protocol}://${host}${uri}`);
}

/** A WebSocket's address counts as that of a page. */
function originalRequest(method: string | null, address: string | null): OriginalRequest | null {
  const text = (address ?? '').replace(/^ws(?=s?:)/i, 'http');
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
  return { method: (method ?? 'GET').toUpperCase(), url: new URL(text) };
}

/**
 * The origin of the app that the request is for, if it may be behind us: ours, or one of `ALLOWED_REDIRECT_HOSTS`. Null: it
 * may not. Decided on the parsed address, as user info or a backslash can make the text look like another host. Where we
 * are on https, so is the app: a proxy behind another one reports how that one called it.
 */
export function findAppOrigin(
  { url }: OriginalRequest,
  ownUrl: URL,
  { ALLOWED_REDIRECT_HOSTS }: Pick<Settings, 'ALLOWED_REDIRECT_HOSTS'>,
): string | null {
  if (url.username !== '' || url.password !== '') return null;
  const app = new URL(url);
  // This drops the port of https, too.
  if (ownUrl.protocol === 'https:') app.protocol = 'https:';
  if (app.host === ownUrl.host) return ownUrl.origin;
  return ALLOWED_REDIRECT_HOSTS.includes(app.host) ? app.origin : null;
}

/**
 * Where to come back to after signing in: this page or, for a form, the page that it is on; the app's root where that can't
 * be a `next`.
 */
export function findWayBack(
  { method, url }: OriginalRequest,
  appOrigin: string,
  referer: string | null,
  ownUrl: URL,
  { ALLOWED_REDIRECT_HOSTS }: Pick<Settings, 'ALLOWED_REDIRECT_HOSTS'>,
): string {
  const page = isSafeMethod(method) ? appOrigin + url.pathname + url.search : referer;
  const isOfApp = page !== null && URL.canParse(page) && new URL(page).origin === appOrigin;
  return (
    (isOfApp ? safeNextUrl(page, ownUrl, ALLOWED_REDIRECT_HOSTS) : null) ??
    (appOrigin === ownUrl.origin ? '/' : `${appOrigin}/`)
  );
}

export const isSafeMethod = (method: string): boolean => method === 'GET' || method === 'HEAD';

/** Whether a browser wants to show the response as a page (W3C Fetch Metadata); older ones say so by `Accept`. */
export function wantsPage(headers: Headers): boolean {
  if (headers.get('Upgrade')?.toLowerCase() === 'websocket') return false;
  const mode = headers.get('Sec-Fetch-Mode');
  return mode === null ? (headers.get('Accept') ?? '').includes('text/html') : mode === 'navigate';
}
