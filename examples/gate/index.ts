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
    if (isOfService(url.pathname, env)) return askService(request, env);
    if (isPublic(url.pathname, env)) return passOn(request, url, env, null);
    const answer = await askService(authRequest(request, url), env);
    // To the sign-in page, or why not: the visitor gets it as it is.
    return answer.status === 200 ? passOn(request, url, env, answer.headers) : answer;
  },
} satisfies ExportedHandler<Env>;

function isOfService(path: string, { BASE_PATH }: Env): boolean {
  // Password managers look for the first, apps that verify assertions for the second.
  const wellKnown = ['/.well-known/change-password', '/.well-known/jwks.json'];
  return `${path}/`.startsWith(BASE_PATH) || wellKnown.includes(path);
}

async function askService(request: Request, env: Env): Promise<Response> {
  try {
    return await env.HOSKIE.fetch(request);
  } catch (error) {
    console.error('The service threw', error);
    const headers = { 'Retry-After': '10', 'Cache-Control': 'no-store' };
    return new Response('We can’t check your session right now.\n', { status: 503, headers });
  }
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
  const passed = new Request(target, request);
  for (const name of [...passed.headers.keys()]) if (isIdentityHeader(name)) passed.headers.delete(name);
  for (const name of IDENTITY_HEADERS) {
    const value = identity?.get(name);
    if (value) passed.headers.set(name, value);
  }
  // Where the service was asked, a bearer is its token; elsewhere it may be the app's own.
  if (identity !== null && /^bearer /i.test(passed.headers.get('Authorization') ?? ''))
    passed.headers.delete('Authorization');
  withholdCookies(passed.headers, [env.SESSION_COOKIE_NAME, env.CSRF_COOKIE_NAME, 'device']);
  passed.headers.set('X-Forwarded-Host', url.host);
  passed.headers.set('X-Forwarded-Proto', url.protocol.slice(0, -1));
  return env.APP === undefined ? fetch(passed) : env.APP.fetch(passed);
}

/** In any spelling: CGI and WSGI apps take `Remote_User` and `Remote.User` for `Remote-User`. */
const isIdentityHeader = (name: string): boolean =>
  IDENTITY_HEADERS.some((each) => each.toLowerCase() === name.toLowerCase().replace(/[^a-z0-9]/g, '-'));

/** The app never sees the session's token. */
function withholdCookies(headers: Headers, names: readonly string[]): void {
  const cookies = (headers.get('Cookie') ?? '').split(';').map((cookie) => cookie.trim());
  const isWithheld = (cookie: string) => names.some((name) => cookie.startsWith(`${name}=`));
  const kept = cookies.filter((cookie) => cookie !== '' && !isWithheld(cookie));
  if (kept.length === 0) headers.delete('Cookie');
  else headers.set('Cookie', kept.join('; '));
}

/** Paths in no list are protected. So is what a lenient app could read as another path: `/public/..%2Fadmin`, `//admin`. */
function isPublic(path: string, { PUBLIC_PATHS, PROTECTED_PATHS }: Env): boolean {
  return [path, decoded(path)].every(
    (each) => each !== null && longestMatch(each, PUBLIC_PATHS) > longestMatch(each, PROTECTED_PATHS),
  );
}

/** The length of the longest of the listed paths that fits; -1: none does. */
function longestMatch(path: string, list: string): number {
  const listed = list.split(',').map((each) => each.trim());
  return Math.max(-1, ...listed.filter((each) => fits(path, each)).map((each) => each.length));
}

const fits = (path: string, listed: string): boolean =>
  listed !== '' && (path === listed || (listed.endsWith('/') && `${path}/`.startsWith(listed)));

/** With slashes merged and dots resolved. Null: it isn't UTF-8. */
function decoded(path: string): string | null {
  try {
    return new URL(decodeURIComponent(path).replace(/[\\/]+/g, '/'), 'https://app.invalid').pathname;
  } catch {
    return null;
  }
}
