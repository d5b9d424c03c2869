/** An option that is an origin such as `https://app.example.org`. A slash at the end is forgiven. Throws a TypeError. */
export function parseOrigin(option: string, value: string): string {
  const origin = URL.canParse(value) ? new URL(value).origin : 'null';
  if (/^https?:/.test(origin) && origin === value.replace(/\/$/, '')) return origin;
  throw new TypeError(
    `${option} must be an origin such as https://app.example.org, not ${JSON.stringify(value)}`,
  );
}
