// Times and names in a visitor's language. Making a formatter takes long, so each is kept.

const relative = kept((locale) => new Intl.RelativeTimeFormat(locale));
const exact = kept(
  (locale) =>
    new Intl.DateTimeFormat(locale, {
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZone: 'UTC',
      timeZoneName: 'short',
    }),
);
const regions = kept((locale) => new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' }));

function kept<Formatter>(make: (locale: string) => Formatter): (locale: string) => Formatter {
  const formatters = new Map<string, Formatter>();
  return (locale) => {
    const formatter = formatters.get(locale) ?? make(locale);
    formatters.set(locale, formatter);
    return formatter;
  };
}

/** "3 hours ago", "in 1 day". */
export const relativeWords = (locale: string, count: number, unit: Intl.RelativeTimeFormatUnit): string =>
  relative(locale).format(count, unit);

/** "in 15 minutes": a time to wait, rounded up. */
export const inMinutes = (locale: string, seconds: number): string =>
  relativeWords(locale, Math.max(1, Math.ceil(seconds / 60)), 'minute');

/** Date and time to the second, in UTC: a page doesn't know the visitor's time zone. */
export const exactWords = (locale: string, atMs: number): string => exact(locale).format(atMs);

/**
 * A country's name.
 * @param code two capital letters
 */
export const countryName = (locale: string, code: string): string => regions(locale).of(code) ?? code;
