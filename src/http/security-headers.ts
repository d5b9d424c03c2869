import type { Settings } from '../settings.ts';
import { API_PATH } from './api-path.ts';
import type { AppContext } from './context.ts';

/** Header names with their values. */
type Headers = readonly (readonly [string, string])[];

/** No response may be sniffed, framed or embedded. */
const EVERYWHERE: Headers = [
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
];
/** Browsers heed these for documents alone. */
const ON_PAGES: Headers = [
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Origin-Agent-Cluster', '?1'],
  // The strictest one under which browsers still send a true `Origin` with our own forms.
  ['Referrer-Policy', 'same-origin'],
  ['X-Permitted-Cross-Domain-Policies', 'none'],
];
const ON_HTTPS: Headers = [['Strict-Transport-Security', 'max-age=31536000']];

/**
 * Puts security headers on a response (OWASP Secure Headers Project; for the API its REST Security Cheat Sheet; ASVS 5.0
 * V3.4). No script runs at all.
 */
export function securityHeaders(settings: Settings): (c: AppContext) => void {
  const redirectOrigins = [settings.LOGIN_REDIRECT_URL, settings.ACCOUNT_LOGOUT_REDIRECT_URL].flatMap(
    (target) => (target.startsWith('/') ? [] : [new URL(target).origin]),
  );
  // The response to a form may redirect to an allowed host, and Chrome applies `form-action` to that too.
  const formAction = ["'self'", ...settings.ALLOWED_REDIRECT_HOSTS, ...redirectOrigins].join(' ');
  const onApi: Headers = [
    ...EVERYWHERE,
    ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ];
  const onPages: Headers = [
    ...EVERYWHERE,
    ...ON_PAGES,
    [
      'Content-Security-Policy',
      `default-src 'none'; style-src 'self'; img-src 'self'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
    ],
  ];

  return function setSecurityHeaders(c) {
    const { headers } = c.res;
    for (const [name, value] of c.req.path.startsWith(API_PATH) ? onApi : onPages) headers.set(name, value);
    if (c.req.url.startsWith('https:')) for (const [name, value] of ON_HTTPS) headers.set(name, value);
    // What isn't an asset may depend on a session: no cache, and no way Back after the sign-out.
    if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
  };
}
