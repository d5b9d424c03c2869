/** A time as MySQL's DATETIME(3) takes it, in UTC: `2026-11-23 19:33:45.123`. */
export function toSqlTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 23).replace('T', ' ');
}

/** Reads a DATETIME that is in UTC. Null for NULL and for what is no time. */
export function fromSqlTime(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const atMs = Date.parse(`${value.replace(' ', 'T')}Z`);
  return Number.isNaN(atMs) ? null : atMs;
}
