import { relativeWords } from './intl.ts';
import type { Texts } from './texts/texts.ts';

const UNITS = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
] as const;

/** A time in relation to now, in words: "3 hours ago", "in 30 days", "just now". */
export function relativeTime(atMs: number, nowMs: number, { time, locale }: Texts): string {
  const distanceMs = Math.abs(atMs - nowMs);
  // Rounds up to the next unit: "1 hour", not "60 minutes".
  const unit = UNITS.find(({ ms }, i) => distanceMs >= ms - (UNITS[i + 1]?.ms ?? 0) / 2);
  if (unit === undefined) return atMs > nowMs ? time.soon : time.justNow;
  const count = Math.round(distanceMs / unit.ms);
  return relativeWords(locale, atMs > nowMs ? count : -count, unit.name);
}

interface TimeProps {
  readonly atMs: number;
  readonly nowMs: number;
  readonly texts: Texts;
}

/** Relative to read; exact (UTC) on hover and for programs. */
export function Time({ atMs, nowMs, texts }: TimeProps) {
  const exact = new Date(atMs).toISOString();
  return (
    <time datetime={exact} title={`${exact.slice(0, 19).replace('T', ' ')} UTC`}>
      {relativeTime(atMs, nowMs, texts)}
    </time>
  );
}
