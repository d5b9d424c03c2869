import { setDeviceCookie, setSessionCookies } from '../http/response-cookies.ts';
import { Hono } from '../http/hono.ts';
import { signIn, type SignInResult, type UsernameAndPassword } from '../auth/sign-in.ts';
import { isStoreUnavailable, ServiceError, type FieldError, type Reason } from '../errors.ts';
import type { AppContext, SignedIn } from '../http/context.ts';
import {
  CSRF_FIELD,
  csrfRefusal,
  csrfTokenForForm,
  findCsrfCookie,
  hasCsrfToken,
  newCsrfTokenForForm,
  requireOwnOrigin,
} from '../http/csrf.ts';
import { readForm, requireForm } from '../http/form-body.ts';
import { signInForm } from '../http/fields.ts';
import { USERNAME_MAX_CHARACTERS } from '../auth/username.ts';
import { currentSession, nextOr } from '../http/guards.ts';
import { NEXT_MAX_CHARACTERS } from '../http/next-url.ts';
import { signInPath } from '../http/page-path.ts';
import { describeProblem } from '../http/problem-texts.ts';
import { respondWithProblem } from '../http/problems.ts';
import { validate } from '../http/validate.ts';
import { characterCount } from '../lib/text.ts';
import { DEVICE_COOKIE_NAME, readCookieValues } from '../session/cookies.ts';
import type { TokenHash } from '../session/token.ts';
import { Field } from './field.tsx';
import { describedBy, FormProblem, PROBLEM_ID, titleWithProblem } from './form-problem.tsx';
import { findLoopingHost, renderReturnLoop } from './return-loop.tsx';
import { SIGNED_OUT_ID, signedOutJustNow, SignedOutNotice } from './signed-out-notice.tsx';
import type { Texts } from './texts/texts.ts';
import { textsFor } from './language.ts';
import { renderPage } from './layout.tsx';

interface FormState {
  readonly username: string;
  readonly rememberMe: boolean;
  readonly next: string;
}

/** Mounted at `LOGIN_URL`. */
export const signInPage = (loginUrl: string) =>
  new Hono()
    /** Stays up in an outage. */
    .get(loginUrl, async (c) => {
      const next = returnableNext(c.req.query('next') ?? '');
      const signedIn = await findSignedIn(c);
      if (signedIn !== null) return sendOn(c, signedIn, destination(c, next));
      return renderForm(c, { username: '', rememberMe: false, next }, null);
    })

    .post(
      loginUrl,
      requireForm(),
      async (c, next) => {
        requireOwnOrigin(c);
        return (await hasCsrfToken(c, formBindings(c))) ? next() : startOver(c);
      },
      validate('form', signInForm, (c, reason, data) => respondWithForm(c, reason, stateOf(data))),
      async (c) => {
        const { username, password, remember_me: rememberMe, next } = c.req.valid('form');
        const deviceTokens = readCookieValues(c.req.raw.headers.get('Cookie'), DEVICE_COOKIE_NAME);
        const result = await trySignIn(c, { username, password, deviceTokens }, rememberMe);
        if (result.status === 'refused') {
          return respondWithForm(c, result.reason, { username, rememberMe, next });
        }
        setSessionCookies(c, result);
        setDeviceCookie(c, result.deviceToken);
        c.set('outcome', 'signed_in');
        return c.redirect(destination(c, next), 303);
      },
    );

/** The form couldn't send back a longer one. */
const returnableNext = (next: string): string => (characterCount(next) > NEXT_MAX_CHARACTERS ? '' : next);

/** Where a signed-in visitor goes: a safe `next`, else `LOGIN_REDIRECT_URL`. */
function destination(c: AppContext, next: string): string {
  return nextOr(c, next, c.get('request').settings.LOGIN_REDIRECT_URL);
}

/** Null as well if that can't be known now. */
async function findSignedIn(c: AppContext): Promise<SignedIn | null> {
  try {
    return await currentSession(c);
  } catch (error) {
    if (isStoreUnavailable(error)) return null;
    throw error;
  }
}

function sendOn(c: AppContext, { session }: SignedIn, target: string): Response | Promise<Response> {
  const host = findLoopingHost(c, target);
  return host === null ? c.redirect(target, 302) : renderReturnLoop(c, host, target, session.username);
}

/**
 * A form without its token is no dead end: it was open while the visitor signed in elsewhere, who goes on, or its cookie
 * is gone, and it comes back with a fresh one.
 */
async function startOver(c: AppContext): Promise<Response> {
  const state = stateOf(await readForm(c));
  if ((await findSignedIn(c)) !== null) return c.redirect(destination(c, state.next), 303);
  return respondWithForm(c, csrfRefusal(c), { ...state, next: returnableNext(state.next) });
}

/** Token hashes of the session cookies in the request. */
const offeredHashes = (c: AppContext): readonly TokenHash[] => {
  const { credentials } = c.get('request');
  return credentials.status === 'offered' ? credentials.tokenHashes : [];
};

/**
 * The form's CSRF cookie may be one for an anonymous visitor or for a session whose cookie was sent. Whether that is open,
 * only a store could say, and it makes no difference to who may sign in.
 */
const formBindings = (c: AppContext): [null, ...TokenHash[]] => [null, ...offeredHashes(c)];

/** Signs in. An outage counts as a refusal: the form shows it and keeps what was typed. */
async function trySignIn(
  c: AppContext,
  credentials: UsernameAndPassword,
  rememberMe: boolean,
): Promise<SignInResult> {
  const csrfCookie = findCsrfCookie(c, formBindings(c));
  try {
    return await signIn(c.get('request'), credentials, {
      kind: 'cookie',
      rememberMe,
      deviceName: null,
      replaces: offeredHashes(c),
      form: csrfCookie === null ? null : c.get('request').csrf.formName(csrfCookie),
    });
  } catch (error) {
    if (error instanceof ServiceError) return { status: 'refused', reason: error.reason };
    throw error;
  }
}

function stateOf(data: unknown): FormState {
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  return {
    username: text('username').slice(0, USERNAME_MAX_CHARACTERS),
    rememberMe: text('remember_me') !== '',
    next: text('next'),
  };
}

/** The form again, with what was wrong; never with the password. */
function respondWithForm(c: AppContext, reason: Reason, state: FormState): Response | Promise<Response> {
  return respondWithProblem(c, reason, () => {
    // A `next` that was refused would be refused again.
    const next = fieldErrors(reason).some(({ field }) => field === 'next') ? '' : state.next;
    return renderForm(c, { ...state, next }, reason);
  });
}

const fieldErrors = (problem: Reason | null): readonly FieldError[] =>
  problem?.code === 'invalid_fields' ? problem.errors : [];

/** What the form says above its fields. A visible field says itself what is wrong with it. */
function messageOf(problem: Reason, texts: Texts): string {
  const errors = fieldErrors(problem);
  if (errors.length === 0) return describeProblem(problem, texts.problems).detail;
  const elsewhere = errors.filter(({ field }) => field !== 'username' && field !== 'password');
  return [texts.form.checkForm, ...elsewhere.map(texts.fieldError)].join(' ');
}

function renderForm(c: AppContext, state: FormState, problem: Reason | null): Response | Promise<Response> {
  // Its token was invalid: it gets a new CSRF cookie as well.
  const csrfToken =
    problem?.code === 'csrf_failed' ? newCsrfTokenForForm(c, null) : csrfTokenForForm(c, formBindings(c));
  const texts = textsFor(c);
  const { form } = texts;
  const errorOf = (name: string): string | undefined => {
    const error = fieldErrors(problem).find(({ field }) => field === name);
    return error === undefined ? undefined : texts.fieldError(error);
  };
  // The first wrong field gets the focus; after wrong credentials that is the password, as the name is kept.
  const isPasswordFirst = state.username !== '' && errorOf('username') === undefined;
  const message = problem !== null ? PROBLEM_ID : signedOutJustNow(c) ? SIGNED_OUT_ID : null;
  return renderPage(
    c,
    { texts, title: titleWithProblem(texts.signIn, problem, texts) },
    <>
      <h1>{texts.signIn}</h1>
      {problem === null ? null : <FormProblem>{messageOf(problem, texts)}</FormProblem>}
      {message === SIGNED_OUT_ID ? <SignedOutNotice texts={texts} /> : null}
      <form method="post" action={signInPath(c)}>
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        <input type="hidden" name="next" value={state.next} />
        <Field name="username" label={form.username} error={errorOf('username')}>
          <input
            id="username"
            name="username"
            type="text"
            value={state.username}
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            autofocus={!isPasswordFirst}
            {...describedBy('username', {
              error: errorOf('username'),
              message: isPasswordFirst ? null : message,
            })}
          />
        </Field>
        <Field name="password" label={form.password} error={errorOf('password')}>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            autofocus={isPasswordFirst}
            {...describedBy('password', {
              error: errorOf('password'),
              message: isPasswordFirst ? message : null,
            })}
          />
        </Field>
        <label class="check">
          <input type="checkbox" name="remember_me" value="on" checked={state.rememberMe} />{' '}
          <span>{form.rememberMe}</span>
        </label>
        <button type="submit">{texts.signIn}</button>
      </form>
    </>,
  );
}
