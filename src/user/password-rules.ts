import commonPasswords from '../generated/common-passwords.json' with { type: 'json' };
import { characterCount } from '../text.ts';

/** A new password, and what it is judged by. */
export interface NewPassword {
  readonly password: string;
  readonly username: string;
  /** In characters (code points). */
  readonly minLength: number;
}

/**
 * What is wrong with a new password, in words for its owner; null: nothing. Length, not the name, not among the
 * most common: no rules of composition (NIST SP 800-63B section 3.1.1.2; ASVS 5.0 6.2.1 to 6.2.5).
 */
export function findPasswordFlaw({ password, username, minLength }: NewPassword): string | null {
  if (characterCount(password) < minLength)
    return `The new password must have ${minLength} characters at least.`;
  if (password.toLowerCase() === username.toLowerCase()) return 'The new password must not be your username.';
  if (isCommon(password))
    return 'The new password is one of the most common ones, or close to one; those are tried first. Choose another.';
  return null;
}

let decoded: ReadonlySet<string> | null = null;

function isCommon(password: string): boolean {
  decoded ??= decodeFrontCoding(commonPasswords);
  const word = password.toLowerCase();
  // A common one with a digit or two behind it is what is tried next (NIST: "derivatives thereof").
  return decoded.has(word) || decoded.has(word.replace(/\d{1,2}$/, ''));
}

/** Reads a sorted list in front coding: a capital (how much is shared with the word before, A = 0), then the rest. */
export function decodeFrontCoding(text: string): ReadonlySet<string> {
  const words = new Set<string>();
  let previous = '';
  for (const [, letter = '', rest = ''] of text.matchAll(/([A-Z])([^A-Z]*)/g)) {
    previous = previous.slice(0, letter.charCodeAt(0) - 65) + rest;
    words.add(previous);
  }
  return words;
}
