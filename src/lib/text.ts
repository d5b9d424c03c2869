/** Characters are code points, as Django and MySQL count them; an emoji is one. */
export const characterCount = (text: string): number => [...text].length;

/** A value from a store as text. Empty: it isn't text. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
/** A value from a store as text. Null: it isn't text. */
export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Where null can't be stored, an empty text stands for it. */
export const nonEmptyTextOrNull = (value: unknown): string | null => textOf(value) || null;
