import { exactWords, relativeWords } from './intl.ts';
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

interface ExactTimeProps {
  readonly atMs: number;
  readonly texts: Texts;
}

interface TimeProps extends ExactTimeProps {
  readonly nowMs: number;
}

/** Relative to read; exact for programs. */
export const Time = ({ atMs, nowMs, texts }: TimeProps) => (
  <time datetime={new Date(atMs).toISOString()}>{relativeTime(atMs, nowMs, texts)}</time>
);

/** To the second, in UTC. */
export const ExactTime = ({ atMs, texts }: ExactTimeProps) => (
  <time datetime={new Date(atMs).toISOString()}>{exactWords(texts.locale, atMs)}</time>
);

/** The one with the other below. */
export const FullTime = ({ atMs, nowMs, texts }: TimeProps) => (
  <>
    <Time atMs={atMs} nowMs={nowMs} texts={texts} />
    <br />
    <small>
      <ExactTime atMs={atMs} texts={texts} />
    </small>
  </>
);
