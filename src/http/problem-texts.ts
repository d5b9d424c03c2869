import type { Reason, Unconfirmed } from '../errors.ts';

/** A detail that depends on the case is made from the reason. */
type Text<Code> = readonly [
  title: string,
  detail: string | ((reason: Extract<Reason, { code: Code }>) => string),
];
type TextsOf<Code extends string> = { readonly [Each in Code]: Text<Each> };

/** Codes that only the API returns. */
type ApiCode = 'original_url_missing' | 'unknown_host';
/** What went wrong, in the words of one language, for pages. */
export type ProblemTexts = TextsOf<Exclude<Reason['code'], ApiCode>>;

export interface ProblemText {
  readonly title: string;
  readonly detail: string;
}

/** What went wrong in words; in English what `texts` lack. */
export function describeProblem(reason: Reason, texts: ProblemTexts = ENGLISH_PROBLEMS): ProblemText {
  const [title, detail]: Text<never> = { ...ENGLISH_PROBLEMS, ...texts }[reason.code];
  return { title, detail: typeof detail === 'string' ? detail : detail(reason as never) };
}

/** What an outage left in doubt, if anything. */
export type OutageTexts = Readonly<Record<Unconfirmed | 'nothing', string>>;

const OUTAGES: OutageTexts = {
  nothing: "We can't reach our data right now. Nothing is lost; try again in a moment.",
  sign_out: "We couldn't confirm the sign-out. The session may still be open; try again in a moment.",
  new_password:
    "We couldn't confirm the change. Sign in with the new password; if that fails, use the old one.",
  password_change:
    'Your password is changed, but your other devices may still be signed in for a moment. Sign in with the new password and check your sessions.',
};

/** The API's words, and those of English pages. */
export const ENGLISH_PROBLEMS: TextsOf<Reason['code']> = {
  invalid_fields: ['Please check the form', ({ errors }) => errors.map(({ message }) => message).join(' ')],
  malformed_body: ["We couldn't read the request", 'The request body is malformed.'],
  unsupported_media_type: [
    'Unsupported media type',
    ({ wanted }) =>
      wanted === 'json'
        ? 'The request body must be application/json.'
        : 'The request body must be a form: application/x-www-form-urlencoded or multipart/form-data.',
  ],
  body_too_large: ['Request too large', 'The request body is larger than 64 KiB.'],
  bad_credentials: ['Not signed in', 'Incorrect username or password.'],
  wrong_current_password: ['Password not changed', 'Incorrect current password.'],
  not_signed_in: ['Not signed in', 'Sign in first.'],
  csrf_failed: [
    'This form is out of date',
    ({ noCookie }) =>
      noCookie === true
        ? 'Your browser sent no cookie. Try again; if this repeats, it blocks cookies for this site.'
        : 'You may have signed in or out since you opened this page. Please try again.',
  ],
  foreign_origin: ['Request from another site', "Another site sent this request, so we didn't accept it."],
  original_url_missing: [
    'Original address missing',
    'Send the address of the original request: X-Original-URL to auth-request; X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Uri to forward-auth.',
  ],
  unknown_host: [
    'Unknown address',
    "This service doesn't sign people in for this address. Operators: add its host to ALLOWED_REDIRECT_HOSTS.",
  ],
  not_found: ['Not found', "There's nothing at this address."],
  method_not_allowed: ['Method not allowed', ({ allow }) => `This address accepts ${allow.join(', ')}.`],
  throttled: [
    'Too many attempts',
    ({ retryAfterSeconds }) => `Too many failed attempts. Try again in ${minutesInWords(retryAfterSeconds)}.`,
  ],
  store_unavailable: ['Temporarily unavailable', ({ unconfirmed }) => OUTAGES[unconfirmed ?? 'nothing']],
  overloaded: ['Busy', 'Too many sign-ins right now. Try again in a few seconds.'],
  internal_error: ['Something went wrong', "That's our fault, and it has been logged."],
};

function minutesInWords(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 1 ? 'a minute' : `${minutes} minutes`;
}
