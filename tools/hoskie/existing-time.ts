/** Years that a DATETIME column holds (MySQL, "The DATE, DATETIME, and TIMESTAMP Types"). */
const FIRST_MS = Date.UTC(1000, 0);
const END_MS = Date.UTC(10_000, 0);

/**
 * Unix ms of a date (`2026-11-23`), a time (`20:00` to `20:00:00.123`) and a zone (`Z`, `+02:00`). Null: there is no such
 * day or time, or no column holds it. (`Date.parse` takes 30 February for 2 March.)
 */
export function existingTime(date: string, time: string, zone: string): number | null {
  const dayMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(dayMs) || !new Date(dayMs).toISOString().startsWith(date)) return null;
  const atMs = Date.parse(`${date}T${time}${zone}`);
  return atMs >= FIRST_MS && atMs < END_MS ? atMs : null;
}
