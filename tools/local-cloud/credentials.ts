import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A new secret of 24 random bytes, in letters and digits that need no escaping in URLs, SQL or config files. */
export function newSecret(): string {
  return randomBytes(24).toString('hex');
}

/** Reads named secrets from a file and makes those that are missing; the file is readable by its owner only. */
export function keepSecrets<Name extends string>(path: string, names: readonly Name[]): Record<Name, string> {
  const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {};
  const secrets = {} as Record<Name, string>;
  for (const name of names) {
    const value = known[name];
    secrets[name] = typeof value === 'string' ? value : newSecret();
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ ...known, ...secrets }, null, 2)}\n`, { mode: 0o600 });
  // The mode above counts for new files only.
  chmodSync(path, 0o600);
  return secrets;
}
