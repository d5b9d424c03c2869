import type { Child } from 'hono/jsx';
import type { LoginOutcome, LogoutReason } from '../../activity/events.ts';
import type { FieldError, Flaw } from '../../errors.ts';
import type { ProblemTexts } from '../../http/problem-texts.ts';

/** All that pages say, in one language. Where a part is an element, it is a `Child`: its place differs by language. */
export interface Texts {
  /** Its primary tag (RFC 5646), for `lang` and `Content-Language`. */
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  /** For `Intl`. */
  readonly locale: string;

  /** What the API says as well, in English. */
  readonly problems: ProblemTexts;
  readonly fieldError: (error: FieldError) => string;

  /** The links and buttons of several pages. */
  readonly signIn: string;
  readonly signOut: string;
  readonly signedOut: string;
  readonly tryAgain: string;
  readonly goHome: string;
  readonly changePassword: string;
  readonly yourSessions: string;

  /** What is around each page. */
  readonly frame: {
    readonly account: string;
    readonly home: string;
    readonly sessions: string;
    readonly signedInAs: (username: Child) => Child;
    readonly help: string;
  };

  readonly landing: {
    readonly title: string;
    readonly heading: string;
    readonly promise: (site: string) => string;
    readonly signedInAs: (username: Child) => Child;
    readonly goHome: string;
    readonly notSignedIn: string;
    readonly unknown: string;
  };

  readonly form: {
    /** The title of a form that came back. */
    readonly pleaseCheck: (title: string) => string;
    readonly checkForm: string;
    readonly checkFields: string;
    readonly username: string;
    readonly password: string;
    readonly rememberMe: string;
    readonly currentPassword: string;
    readonly newPassword: string;
    readonly confirmPassword: string;
    readonly passwordHint: (min: number, max: number) => string;
    readonly passwordWarning: string;
  };

  readonly home: {
    readonly title: string;
    readonly greeting: (username: Child) => Child;
    readonly signedIn: string;
    readonly since: string;
    readonly from: string;
    readonly unknownAddress: string;
    readonly until: string;
    /** Until a time at the latest, because of Remember me or until the browser is closed. */
    readonly atLatest: (time: Child, rememberMe: boolean) => Child;
  };

  readonly logout: {
    readonly heading: string;
    readonly onThisDevice: string;
    readonly stay: string;
  };

  readonly sessions: {
    readonly intro: string;
    /** What was done just before, by the word in `?done=`. */
    readonly notices: Readonly<Record<Done, string>>;
    readonly thisDevice: string;
    readonly app: string;
    readonly remembered: string;
    readonly unknownAddress: string;
    readonly signedIn: (time: Child) => Child;
    readonly lastSeen: (time: Child) => Child;
    readonly signOutHere: string;
    /** The button of another device. */
    readonly signOutOne: string;
    /** The same for screen readers: begins like it, then tells equal devices apart. */
    readonly signOutDevice: (device: string, signedInAt: string) => string;
    readonly details: {
      readonly show: string;
      readonly signedIn: string;
      readonly lastSeen: string;
      readonly userAgent: string;
    };
    readonly signOutOthers: string;
    readonly signOutEverywhere: string;
  };

  readonly activity: {
    readonly heading: string;
    readonly unavailable: string;
    readonly show: string;
    readonly none: string;
    readonly when: string;
    readonly what: string;
    readonly from: string;
    readonly unknownAddress: string;
    /** An outcome or a reason, as the user it is about reads it. */
    readonly details: Readonly<Record<LoginOutcome | LogoutReason, string>>;
  };

  /** Between a device, an address and a country. */
  readonly comma: string;
  readonly device: {
    readonly unknown: string;
    /** "Firefox on Linux". */
    readonly on: (browser: string, system: string) => string;
    readonly unknownCountry: string;
    readonly torNetwork: string;
  };

  readonly time: { readonly justNow: string; readonly soon: string };

  /** What a support request quotes. */
  readonly request: (id: Child) => Child;

  readonly returnLoop: {
    readonly title: (host: string) => string;
    readonly heading: (host: string) => string;
    readonly intro: (host: string) => string;
    readonly questions: (host: string) => readonly string[];
    readonly yourHome: string;
  };
}

export type Done = 'revoked' | 'unknown' | 'others' | 'password';

/** The name of a field in a language, as its form shows it; a hidden one has its own. */
type FieldNames = Readonly<Record<string, string>>;
type FlawTexts = Readonly<Record<Flaw | 'invalid', (field: string, limit: number) => string>>;

/** Says what is wrong with a field, where a language has one sentence for all fields. */
export const fieldErrors =
  (names: FieldNames, flaws: FlawTexts) =>
  ({ field, flaw, limit = 0 }: FieldError): string =>
    flaws[flaw ?? 'invalid'](names[field] ?? field, limit);
