import { isLocalHttp } from './local-http.ts';

export interface DatabaseCredentials {
  /** Plain http on this machine alone. */
  readonly protocol: 'https:' | 'http:';
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** Reads a `DATABASE_URL`; null when it is none. Percent-encoded credentials are decoded. */
export function parseDatabaseUrl(text: string): DatabaseCredentials | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (!['mysql:', 'https:', 'http:'].includes(url.protocol) || url.host === '') return null;
  if (url.protocol === 'http:' && !isLocalHttp(url)) return null;
  try {
    const username = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    if (username === '' || password === '') return null;
    return { protocol: url.protocol === 'http:' ? 'http:' : 'https:', host: url.host, username, password };
  } catch {
    return null;
  }
}
