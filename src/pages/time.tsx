const UNITS = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
] as const;

/** A time in relation to now, in words: "3 hours ago", "in 30 days", "just now". */
export function relativeTime(atMs: number, nowMs: number): string {
  const distanceMs = Math.abs(atMs - nowMs);
  // Rounds up to the next unit: "1 hour", not "60 minutes".
  const unit = UNITS.find(({ ms }, i) => distanceMs >= ms - (UNITS[i + 1]?.ms ?? 0) / 2);
  if (unit === undefined) return atMs > nowMs ? 'in less than a minute' : 'just now';
  const count = Math.round(distanceMs / unit.ms);
  const words = `${count} ${unit.name}${count === 1 ? '' : 's'}`;
  return atMs > nowMs ? `in ${words}` : `${words} ago`;
}

/** Relative to read; exact (UTC) on hover and for programs. */
export function Time({ atMs, nowMs }: { atMs: number; nowMs: number }) {
  const exact = new Date(atMs).toISOString();
  return (
    <time datetime={exact} title={`${exact.slice(0, 19).replace('T', ' ')} UTC`}>
      {relativeTime(atMs, nowMs)}
    </time>
  );
}
