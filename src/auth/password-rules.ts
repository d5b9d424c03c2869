import commonPasswords from '../generated/common-passwords.json' with { type: 'json' };
import type { FieldError } from '../errors.ts';
import { characterCount } from '../lib/text.ts';

/** A new password, and what it is checked against. */
export interface NewPassword {
  readonly password: string;
  readonly username: string;
  /** In characters (code points). */
  readonly minLength: number;
}

/**
 * What is wrong with a new password; null: nothing. It needs a length, must not be the username nor a common password;
 * there are no rules of composition (NIST SP 800-63B section 3.1.1.2; ASVS 5.0 6.2.1 to 6.2.5).
 */
export function findPasswordFlaw({
  password,
  username,
  minLength,
}: NewPassword): Omit<FieldError, 'field'> | null {
  if (characterCount(password) < minLength)
    return { flaw: 'too_short', limit: minLength, message: `Use at least ${minLength} characters.` };
  if (password.toLowerCase() === username.toLowerCase())
    return { flaw: 'same_as_username', message: "Your password can't be the same as your username." };
  if (isCommon(password))
    return { flaw: 'too_common', message: 'This password is too common. Choose another one.' };
  return null;
}

let decoded: ReadonlySet<string> | null = null;

function isCommon(password: string): boolean {
  decoded ??= decodeFrontCoding(commonPasswords);
  const word = password.toLowerCase();
  // Attackers try a common one with a digit or two next (NIST: "derivatives thereof").
  return decoded.has(word) || decoded.has(word.replace(/\d{1,2}$/, ''));
}

/** Reads a sorted list in front coding: a capital (how much is shared with the previous word, A = 0), then the rest. */
export function decodeFrontCoding(text: string): ReadonlySet<string> {
  const words = new Set<string>();
  let previous = '';
  for (const [, letter = '', rest = ''] of text.matchAll(/([A-Z])([^A-Z]*)/g)) {
    previous = previous.slice(0, letter.charCodeAt(0) - 65) + rest;
    words.add(previous);
  }
  return words;
}
