/**
 * Whether a request that changes something comes from another site. `Origin` must be exactly ours or a trusted one (`null`
 * is foreign), and `Sec-Fetch-Site` must not be cross-site unless a trusted one other than ours sent it: a list that also
 * has ours, as Django sites may, trusts nothing more. With neither header (curl, old browsers) the CSRF token decides alone.
 * Sources: Fetch standard, "Origin header"; W3C Fetch Metadata; OWASP CSRF Prevention, "Verifying origin".
 */
export function isForeignOrigin(
  headers: Headers,
  ownOrigin: string,
  trustedOrigins: readonly string[],
): boolean {
  const origin = headers.get('Origin');
  if (origin === null || origin === ownOrigin) return headers.get('Sec-Fetch-Site') === 'cross-site';
  return !trustedOrigins.includes(origin);
}
