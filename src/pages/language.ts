import type { AppContext } from '../http/context.ts';
import { ar } from './texts/ar.tsx';
import { de } from './texts/de.tsx';
import { en } from './texts/en.tsx';
import { es } from './texts/es.tsx';
import { fr } from './texts/fr.tsx';
import type { Texts } from './texts/texts.ts';

/** The first one is for those who want none of them. */
export const LANGUAGES: readonly [Texts, ...Texts[]] = [en, de, fr, es, ar];

/** Those after them are ignored: people list few languages. */
const MAX_RANGES = 50;

// language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*" (RFC 4647 section 2.1), with a weight (RFC 9110 section 12.4.2).
const RANGE = /^(\*|[a-z]{1,8})(?:-[a-z0-9]{1,8})*(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/** What pages say to this visitor: in the best match of `Accept-Language` (RFC 9110 section 12.5.4). */
export const textsFor = (c: AppContext): Texts => chooseLanguage(c.req.header('Accept-Language') ?? '');

/** Regions make no difference: "de-AT" is German. What is malformed counts as not sent. */
export function chooseLanguage(header: string): Texts {
  const ranges = header
    .split(',', MAX_RANGES)
    .map((text) => RANGE.exec(text.trim()))
    .filter((match) => match !== null)
    .map(([, tag = '', weight = '1']) => ({ tag: tag.toLowerCase(), weight: Number(weight) }));
  const named = new Set(ranges.map(({ tag }) => tag));
  const byWeight = ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  for (const { tag } of byWeight) {
    // "*" is any language that no other range names.
    const found = LANGUAGES.find(({ language }) => (tag === '*' ? !named.has(language) : tag === language));
    if (found !== undefined) return found;
  }
  return LANGUAGES[0];
}
