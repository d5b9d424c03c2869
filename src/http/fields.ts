import * as z from 'zod/mini';
import { USERNAME_MAX_CHARACTERS } from '../auth/username.ts';
import type { FieldError } from '../errors.ts';
import { characterCount } from '../lib/text.ts';
import { NEXT_MAX_CHARACTERS } from './next-url.ts';

export const PASSWORD_MAX_CHARACTERS = 4096;
/** NIST SP 800-63B asks for at least 64; Django takes any, which would let a request cost much. */
export const NEW_PASSWORD_MAX_CHARACTERS = 256;
export const DEVICE_NAME_MAX_CHARACTERS = 100;
export const DEVICE_TOKEN_MAX_CHARACTERS = 200;

/** What a check of our own adds to its issue, beside the message. */
type FlawParams = Pick<FieldError, 'flaw' | 'limit'>;

/** Text that is taken as it is: nothing is trimmed or normalised here, only lone surrogates are refused. */
const text = (label: string, maxCharacters: number) =>
  z
    .string({
      error: ({ input }) => `${label} ${input === undefined ? 'is missing' : 'must be text'}.`,
    })
    .check(
      z.refine((value: string) => value.isWellFormed(), { error: `${label} is not valid Unicode text.` }),
      z.refine((value: string) => value.length <= maxCharacters || characterCount(value) <= maxCharacters, {
        error: `${label} can't be longer than ${maxCharacters} characters.`,
        params: { flaw: 'too_long', limit: maxCharacters } satisfies FlawParams,
      }),
    );

export const username = text('The username', USERNAME_MAX_CHARACTERS).check(
  z.minLength(1, { error: 'Enter your username.' }),
);
export const password = text('The password', PASSWORD_MAX_CHARACTERS).check(
  z.minLength(1, { error: 'Enter your password.' }),
);

/** Short enough for a table, long enough for "Ada's phone"; a blank one counts as none. */
export const deviceName = text('The device name', DEVICE_NAME_MAX_CHARACTERS);

/** What an earlier sign-in returned. Any other text counts as none. */
export const deviceToken = text('The device token', DEVICE_TOKEN_MAX_CHARACTERS);

/** A password to set. Its minimum length is a setting, checked with the other rules. */
export const newPassword = text('The new password', NEW_PASSWORD_MAX_CHARACTERS).check(
  z.minLength(1, { error: 'Enter a new password.' }),
);

/** A checkbox: browsers send `on` or nothing. */
const checkbox = z.pipe(
  z.optional(z.string({ error: 'Remember me must be on or off.' })),
  z.transform((value) => value !== undefined && !['', '0', 'false', 'off'].includes(value.toLowerCase())),
);

/** Fields of the sign-in form. */
export const signInForm = z.object({
  username,
  password,
  remember_me: checkbox,
  next: z._default(text('The return address', NEXT_MAX_CHARACTERS), ''),
});

/** Fields of the password form. */
export const passwordForm = z.object({
  current_password: password,
  new_password: newPassword,
  confirm_password: z.optional(text('The repeated password', NEW_PASSWORD_MAX_CHARACTERS)),
});

/** Fields of the form that ends sessions: an id, or a scope. */
export const revokeForm = z.object({
  id: z.optional(text('The id', 64)),
  scope: z.optional(z.enum(['others', 'all'], { error: 'The scope is "others" or "all".' })),
});

/** What we read of an issue of zod's. */
interface Issue {
  readonly code?: string;
  readonly path?: readonly PropertyKey[];
  readonly message: string;
  readonly params?: FlawParams | undefined;
}

/** zod's issues as the client gets them: one message a field, in the order of the fields. */
export function fieldErrorsOf(issues: readonly Issue[]): FieldError[] {
  const errors = new Map<string, FieldError>();
  for (const issue of issues) {
    // Without a path it is the body as a whole: an array instead of an object, say.
    const field = issue.path?.map(String).join('.') || 'body';
    if (errors.has(field)) continue;
    const flaw = issue.code === 'too_small' ? ({ flaw: 'missing' } as const) : issue.params;
    errors.set(field, { field, message: issue.message, ...flaw });
  }
  return [...errors.values()];
}
