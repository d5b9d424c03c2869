import * as z from 'zod/mini';
import type { FieldError } from '../errors.ts';
import { NEXT_MAX_CHARACTERS } from '../security/next-url.ts';

export const USERNAME_MAX_CHARACTERS = 150;
export const PASSWORD_MAX_CHARACTERS = 4096;
export const DEVICE_NAME_MAX_CHARACTERS = 100;

/** Characters are code points, as Django and MySQL count; an emoji is one. */
export function characterCount(text: string): number {
  return text.length <= 1 ? text.length : [...text].length;
}

/** Text that stores and hashes take as it is: nothing is trimmed or normalised, only lone surrogates refused. */
const text = (label: string, maxCharacters: number) =>
  z.string({ error: `${label} is missing.` }).check(
    z.refine((value: string) => value.isWellFormed(), { error: `${label} is not valid Unicode text.` }),
    z.refine((value: string) => value.length <= maxCharacters || characterCount(value) <= maxCharacters, {
      error: `${label} may have ${maxCharacters} characters at most.`,
    }),
  );

export const username = text('The username', USERNAME_MAX_CHARACTERS).check(
  z.minLength(1, { error: 'Enter your username.' }),
);
export const password = text('The password', PASSWORD_MAX_CHARACTERS).check(
  z.minLength(1, { error: 'Enter your password.' }),
);

/** A checkbox: browsers send `on` or nothing. */
const checkbox = z.pipe(
  z.optional(z.string({ error: 'Remember me is either on or off.' })),
  z.transform((value) => value !== undefined && !['', '0', 'false', 'off'].includes(value.toLowerCase())),
);

/** Fields of the sign-in form. */
export const signInForm = z.object({
  username,
  password,
  remember_me: checkbox,
  next: z._default(text('The address to go to', NEXT_MAX_CHARACTERS), ''),
});

/** zod's issues as the client sees them: one message a field, in the order of the fields. */
export function fieldErrorsOf(
  issues: readonly { path?: readonly PropertyKey[]; message: string }[],
): FieldError[] {
  const errors = new Map<string, string>();
  for (const issue of issues) {
    const field = issue.path?.map(String).join('.') ?? '';
    if (!errors.has(field)) errors.set(field, issue.message);
  }
  return [...errors].map(([field, message]) => ({ field, message }));
}
