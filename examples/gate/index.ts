interface Env {
  /** The service. */
  HOSKIE: Fetcher;
  /** The app, where it is a Worker; otherwise it is at ORIGIN. */
  APP?: Fetcher;
  /** `https://origin.example.org`; empty: where the DNS record of this host leads. */
  ORIGIN: string;
  /** As the service has it, such as `/auth/`. */
  BASE_PATH: string;
  SESSION_COOKIE_NAME: string;
  CSRF_COOKIE_NAME: string;
  /** Paths, comma-separated. One with a slash at the end includes all below it; the longest that fits decides. */
  PUBLIC_PATHS: string;
  PROTECTED_PATHS: string;
}

const IDENTITY_HEADERS = ['Remote-User', 'Remote-User-Id', 'Hoskie-Jwt-Assertion'];

/** What the service looks at: credentials, whether a page is wanted, and who the client is. */
const ASKED_HEADERS = [
  ...['Cookie', 'Authorization', 'Accept', 'Accept-Language', 'Referer', 'Upgrade'],
  ...['Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'Sec-Fetch-Site', 'Sec-Fetch-User'],
  ...['User-Agent', 'CF-Connecting-IP', 'CF-Connecting-IPv6', 'CF-IPCountry'],
];

/** In front of an app, on its own host: the service's pages are below BASE_PATH, everything else is the app's. */
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.protocol === 'http:' && !LOCAL_HOSTS.includes(url.hostname)) return redirectToHttps(url);
    if (isOfService(url.pathname, env)) return askService(request, env);
    if (isPublic(url.pathname, env)) return passOn(request, url, env, null);
    const response = await askService(authRequest(request, url), env);
    // To the sign-in page, or why not: the visitor gets it as it is.
    if (response.status !== 200) return response;
    const isComplete = IDENTITY_HEADERS.every((name) => response.headers.has(name));
    return isComplete ? passOn(request, url, env, response.headers) : unavailable('HOSKIE is another Worker');
  },
} satisfies ExportedHandler<Env>;

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

function redirectToHttps(url: URL): Response {
  const secure = new URL(url);
  secure.protocol = 'https:';
  return new Response(null, { status: 308, headers: { Location: secure.href, 'Cache-Control': 'no-store' } });
}

function isOfService(path: string, { BASE_PATH }: Env): boolean {
  // Password managers look for the first, apps that verify assertions for the second.
  const wellKnown = ['/.well-known/change-password', '/.well-known/jwks.json'];
  return `${path}/`.startsWith(BASE_PATH) || wellKnown.includes(path);
}

async function askService(request: Request, env: Env): Promise<Response> {
  try {
    return await env.HOSKIE.fetch(request);
  } catch (error) {
    return unavailable(error);
  }
}

function unavailable(why: unknown): Response {
  console.error('The service can’t be asked', why);
  const headers = { 'Retry-After': '10', 'Cache-Control': 'no-store' };
  return new Response('We can’t check your session right now.\n', { status: 503, headers });
}

/** Asks who a request is from, without its body. */
function authRequest(request: Request, url: URL): Request {
  const headers = new Headers({
    'X-Forwarded-Method': request.method,
    'X-Forwarded-Proto': url.protocol.slice(0, -1),
    'X-Forwarded-Host': url.host,
    'X-Forwarded-Uri': url.pathname + url.search,
  });
  for (const name of ASKED_HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Request(new URL('/api/authz/forward-auth', url), { headers, redirect: 'manual' });
}

/** The app's own response, streams and WebSockets included. `identity` is null where the service wasn't asked. */
function passOn(request: Request, url: URL, env: Env, identity: Headers | null): Promise<Response> {
  const target = env.ORIGIN === '' ? url : new URL(env.ORIGIN);
  target.pathname = url.pathname;
  target.search = url.search;
  // What is for one user must not come from, or get into, Cloudflare's cache.
  const passed = new Request(new Request(target, request), identity === null ? {} : { cache: 'no-store' });
  const { headers } = passed;
  for (const name of [...headers.keys()]) if (isOurs(name)) headers.delete(name);
  for (const name of IDENTITY_HEADERS) {
    const value = identity?.get(name);
    if (value) headers.set(name, value);
  }
  // Where the service was asked, a bearer is its token; elsewhere it may be the app's own. The app still sees that it was
  // a bearer: unlike a cookie, no other site can make a browser send it.
  if (identity !== null && /^bearer /i.test(headers.get('Authorization') ?? ''))
    headers.set('Authorization', 'Bearer removed');
  removeCookies(headers, [env.SESSION_COOKIE_NAME, env.CSRF_COOKIE_NAME, 'device']);
  headers.set('X-Forwarded-Host', url.host);
  headers.set('X-Forwarded-Proto', url.protocol.slice(0, -1));
  const address = request.headers.get('CF-Connecting-IP');
  if (address !== null) headers.set('X-Forwarded-For', address);
  return env.APP === undefined ? fetch(passed) : env.APP.fetch(passed);
}

/**
 * Headers that apps believe because a proxy sets them: identities, as other services of this kind name them too, and
 * addresses. In any spelling: CGI and WSGI apps take `Remote_User` and `Remote.User` for `Remote-User`.
 */
const isOurs = (name: string): boolean =>
  /^(?:remote|hoskie|forwarded|x-forwarded|x-original|x-rewrite|x-real-ip)(?:-|$)/.test(
    name.toLowerCase().replace(/[^a-z0-9]/g, '-'),
  );

/** The app never sees the session's cookie. Names are read as the service reads them. */
function removeCookies(headers: Headers, names: readonly string[]): void {
  const cookies = (headers.get('Cookie') ?? '').split(';').map((cookie) => cookie.trim());
  const kept = cookies.filter((cookie) => cookie !== '' && !names.includes(nameOf(cookie)));
  if (kept.length === 0) headers.delete('Cookie');
  else headers.set('Cookie', kept.join('; '));
}

const nameOf = (cookie: string): string => cookie.split('=', 1)[0]?.trim() ?? '';

/** Dots, slashes, `;`, `?`, `#` and `%` in an encoded form, and what apps read differently: `/public/..;/admin`. */
const AMBIGUOUS = /%(?:2e|2f|5c|25|3b|3f|23|[01][0-9a-f]|7f)|[;\\]|\/\//i;

/** Paths in no list are protected, and so are those that an app could read as another one. */
function isPublic(path: string, { PUBLIC_PATHS, PROTECTED_PATHS }: Env): boolean {
  const read = AMBIGUOUS.test(path) ? null : decoded(path);
  return read !== null && longestMatch(read, PUBLIC_PATHS) > longestMatch(read, PROTECTED_PATHS);
}

/** The length of the longest of the listed paths that fits; -1: none does. */
function longestMatch(path: string, list: string): number {
  const listed = list.split(',').map((each) => each.trim());
  return Math.max(-1, ...listed.filter((each) => fits(path, each)).map((each) => each.length));
}

const fits = (path: string, listed: string): boolean =>
  listed !== '' && (path === listed || (listed.endsWith('/') && `${path}/`.startsWith(listed)));

/** Null: it isn't UTF-8. */
function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
