/** Characters are code points, as Django and MySQL count them; an emoji is one. */
export const characterCount = (text: string): number => [...text].length;

/** A value from a store as text. Empty: it isn't text. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
/** A value from a store as text. Null: it isn't text. */
export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Where null can't be stored, an empty text stands for it. */
export const nonEmptyTextOrNull = (value: unknown): string | null => textOf(value) || null;

// Unicode general categories: controls; format characters, which are bidirectional or have no width; line separators.
// Letters that are blank, though they are no spaces: Hangul fillers and the empty Braille pattern.
const BLANK = /[\p{Cc}\p{Zl}\p{Zp}\p{Zs}\u115f\u1160\u2800\u3164\uffa0]+/gu;
const INVISIBLE = /[\p{Cf}\u034f]+/gu;

/**
 * A name as it may stand beside other text: without characters that can't be seen or turn the direction of what follows,
 * with single spaces. An emoji that joins others with a character of no width falls into its parts. Null: nothing is left.
 */
export function visibleName(text: string): string | null {
  return text.replace(INVISIBLE, '').replace(BLANK, ' ').trim() || null;
}
