import * as z from 'zod/mini';
import { parseDatabaseUrl } from './lib/database-url.ts';
import { parseEventReceivers, type EventReceiver } from './lib/event-receivers.ts';
import { isLocalHttp } from './lib/local-http.ts';
import { parseColor, parseLogo, parseSiteName, parseSupportUrl } from './lib/site-look.ts';
import { parseSigningKeys, type SigningKey } from './lib/signing-keys.ts';

const SECRET_KEY_MIN_CHARACTERS = 32;
const YEAR_SECONDS = 31_536_000;
/** A second of CPU, and more than any Django has written so far. */
export const DEFAULT_PBKDF2_MAX_ITERATIONS = 2_000_000;

/** Variables may come as TOML numbers or booleans; an empty one counts as not set. */
const asText = z.pipe(
  z.optional(z.union([z.string(), z.number(), z.boolean()])),
  z.transform((value) => (value === undefined ? '' : String(value))),
);

/** A variable with a default, in text form, read by `parse`; null from `parse` means malformed. */
const variable = <T>(fallback: string, parse: (text: string) => T | null) =>
  z.pipe(
    asText,
    z.transform((text, context) => {
      const value = parse(text === '' ? fallback : text);
      if (value !== null) return value;
      context.issues.push({ code: 'custom', message: 'malformed', input: undefined });
      return z.NEVER;
    }),
  );

/** Empty if not set. */
const optional = (parse: (text: string) => string | null) =>
  variable<string>('', (text) => (text === '' ? '' : parse(text)));

const integer = (fallback: number, min: number, max: number) =>
  variable(String(fallback), (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : null;
  });

const list = (parseItem: (text: string) => string | null) =>
  variable('', (text) => {
    const items = text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map(parseItem);
    return items.includes(null) ? null : (items as string[]);
  });

/** A path on this host that a page can be mounted at: plain segments, no query, nothing to decode. */
const isPlainPath = (text: string): boolean =>
  /^\/(?:[\w.~-]+\/)*[\w.~-]*$/.test(text) && new URL(text, 'https://host.invalid').pathname === text;

/** Where to redirect: a path with or without query, or a whole http(s) address. */
function parseRedirectTarget(text: string): string | null {
  if (/^\/(?![/\\])/.test(text) && URL.canParse(text, 'https://host.invalid')) {
    const url = new URL(text, 'https://host.invalid');
    if (url.origin !== 'https://host.invalid' || url.pathname.startsWith('//')) return null;
    return url.pathname + url.search + url.hash;
  }
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text).href;
  return null;
}

const parseOrigin = (text: string): string | null =>
  /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text ? text : null;

/** What `BASE_PATH` doesn't move. */
const UNMOVED_PATH = /^\/(?:api|\.well-known|healthz|readyz)(?:\/|$)/;

/** Where others reach us: an origin, with or without a slash at its end. */
export function parsePublicUrl(text: string): string | null {
  const origin = parseOrigin(text.replace(/\/$/, ''));
  return origin === null || (origin.startsWith('http:') && !isLocalHttp(new URL(origin))) ? null : origin;
}

/** With a slash at its end; not below a path that never moves. */
export function parseBasePath(text: string): string | null {
  const path = text.endsWith('/') ? text : `${text}/`;
  return isPlainPath(path) && !UNMOVED_PATH.test(path) ? path : null;
}

const parseHost = (text: string): string | null =>
  /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::\d+)?$/i.test(text) &&
  URL.canParse(`https://${text}`) &&
  new URL(`https://${text}`).host === text.toLowerCase()
    ? text.toLowerCase()
    : null;

// Domain attribute: letters, digits, dots, hyphens; a leading dot is allowed and means nothing (RFC 6265 5.2.3).
const parseCookieDomain = (text: string): string | null =>
  /^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(text) ? text : null;

// A token (RFC 9110 section 5.6.2), as RFC 6265 wants cookie names.
const parseCookieName = (text: string): string | null =>
  /^[\w!#$%&'*+.^`|~-]{1,64}$/.test(text) ? text : null;

/** Its token goes with each request, so plain http is for this machine alone. */
function parseRedisUrl(text: string): string | null {
  if (!/^https?:\/\/[^\s#$./?].\S*$/.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'https:' || isLocalHttp(url) ? text.replace(/\/+$/, '') : null;
}

const parseSecretKey = (text: string): string | null =>
  text.length >= SECRET_KEY_MIN_CHARACTERS ? text : null;

const bindings = z.object({
  UPSTASH_REDIS_REST_URL: variable('', parseRedisUrl),
  UPSTASH_REDIS_REST_TOKEN: variable('', (text) => (/^[\x21-\x7e]+$/.test(text) ? text : null)),
  DATABASE_URL: variable('', parseDatabaseUrl),
  SECRET_KEY: variable('', parseSecretKey),
  SECRET_KEY_FALLBACKS: list(parseSecretKey),
  READYZ_TOKEN: variable('', (text) => (/^[\x21-\x7e]*$/.test(text) ? text : null)),
  LOGIN_URL: variable('/sign-in/', (text) => (isPlainPath(text) && text !== '/' ? text : null)),
  LOGIN_REDIRECT_URL: variable('/home/', parseRedirectTarget),
  ACCOUNT_LOGOUT_REDIRECT_URL: variable('/', parseRedirectTarget),
  SESSION_COOKIE_NAME: variable('sessionid', parseCookieName),
  CSRF_COOKIE_NAME: variable('csrftoken', parseCookieName),
  SESSION_COOKIE_DOMAIN: optional(parseCookieDomain),
  SESSION_COOKIE_AGE: integer(86_400, 1, 10 * YEAR_SECONDS),
  SESSION_IDLE_AGE: integer(7200, 1, 10 * YEAR_SECONDS),
  REMEMBER_ME_AGE: integer(2_592_000, 1, 10 * YEAR_SECONDS),
  REMEMBER_ME_IDLE_AGE: integer(1_209_600, 1, 10 * YEAR_SECONDS),
  CSRF_TRUSTED_ORIGINS: list(parseOrigin),
  ALLOWED_REDIRECT_HOSTS: list(parseHost),
  BCRYPT_ROUNDS: integer(10, 10, 14),
  PBKDF2_MAX_ITERATIONS: integer(DEFAULT_PBKDF2_MAX_ITERATIONS, 1, 100_000_000),
  // With the store calls' own limit, still well within the 5 s of every response.
  REFUSAL_FLOOR_MS: integer(0, 0, 2000),
  // Below 8 (ASVS 5.0 6.2.1) the list of common passwords would miss what the length allows.
  MIN_PASSWORD_LENGTH: integer(8, 8, 256),
  MAX_SESSIONS_PER_USER: integer(50, 0, 100_000),
  ACTIVITY_RETENTION_DAYS: integer(400, 0, 36_500),
  PUBLIC_URL: optional(parsePublicUrl),
  BASE_PATH: variable('/', parseBasePath),
  CORS_ORIGINS: list(parseOrigin),
  ASSERTION_KEYS: variable<readonly SigningKey[]>('', (text) => (text === '' ? [] : parseSigningKeys(text))),
  WEBHOOKS: variable<readonly EventReceiver[]>('', (text) => (text === '' ? [] : parseEventReceivers(text))),
  SITE_NAME: variable('Cloud Hoskie', parseSiteName),
  SITE_ACCENT: variable('#2453c9', parseColor),
  SITE_LOGO: optional(parseLogo),
  SITE_SUPPORT_URL: optional(parseSupportUrl),
  SESSION_READS: variable('primary', (text) => (text === 'primary' || text === 'replica' ? text : null)),
});

/** What the operator sets; docs/settings.md explains each. */
export type Settings = z.infer<typeof bindings>;

export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  /** Names only: a value may be a secret. */
  | { readonly ok: false; readonly malformed: readonly string[] };

/** Paths of pages, which no setting may take. */
const RESERVED_PATHS = [
  '/home/',
  '/logout/',
  '/sessions/',
  '/sessions/revoke/',
  '/account/password/',
  '/accounts/logout/',
];

/** Cookies of our own under fixed names. */
const RESERVED_COOKIES = ['device', 'returns', 'signedout'];

/** Reads the bindings of the Worker. */
export function parseSettings(env: unknown): SettingsResult {
  const result = z.safeParse(bindings, env);
  if (!result.success) {
    const names = result.error.issues.map((issue) => String(issue.path[0] ?? 'env'));
    return { ok: false, malformed: [...new Set(names)] };
  }
  const malformed = contradictions(result.data);
  return malformed.length > 0 ? { ok: false, malformed } : { ok: true, settings: result.data };
}

function contradictions(settings: Settings): string[] {
  const names: string[] = [];
  const { SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, SESSION_COOKIE_DOMAIN, LOGIN_URL, BASE_PATH } = settings;
  // A __Host- cookie has no Domain (RFC 6265bis section 4.1.3.2); browsers would drop it.
  if (SESSION_COOKIE_DOMAIN !== '' && /^__Host-/i.test(SESSION_COOKIE_NAME))
    names.push('SESSION_COOKIE_NAME');
  if (SESSION_COOKIE_NAME === CSRF_COOKIE_NAME) names.push('CSRF_COOKIE_NAME');
  for (const name of ['SESSION_COOKIE_NAME', 'CSRF_COOKIE_NAME'] as const) {
    if (RESERVED_COOKIES.includes(settings[name])) names.push(name);
  }
  const canSign = settings.ASSERTION_KEYS.length > 0 && settings.PUBLIC_URL !== '';
  if (settings.WEBHOOKS.length > 0 && !canSign) names.push('WEBHOOKS');
  const isTaken =
    RESERVED_PATHS.some((path) => path === LOGIN_URL || path === `${LOGIN_URL}/`) ||
    LOGIN_URL.startsWith('/assets/') ||
    UNMOVED_PATH.test(BASE_PATH + LOGIN_URL.slice(1));
  // Whoever repeats the base path means it once.
  const isRepeated = BASE_PATH !== '/' && LOGIN_URL.startsWith(BASE_PATH);
  if (isTaken || isRepeated) names.push('LOGIN_URL');
  return names;
}
