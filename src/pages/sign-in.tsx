import { Hono } from 'hono/tiny';
import { problemOf, RequestError, type FieldError, type Reason } from '../errors.ts';
import { NEXT_MAX_CHARACTERS, safeNextUrl } from '../security/next-url.ts';
import { signIn } from '../session/sign-in.ts';
import { hashToken, type TokenHash } from '../session/token.ts';
import { StoreUnavailableError } from '../store/store-call.ts';
import { OverloadedError } from '../user/cpu-turns.ts';
import { prefersJson } from '../web/answers.tsx';
import { characterCount } from '../text.ts';
import { signInForm } from '../web/fields.ts';
import { CSRF_FIELD, csrfTokenForForm, requireCsrfToken, setSessionCookies } from '../web/csrf-guard.ts';
import type { AppContext, AppEnv } from '../web/request-context.ts';
import { findSignedIn } from '../web/sign-in-guard.ts';
import { validate } from '../web/validate.ts';
import { describedBy, Field } from './field.tsx';
import { Layout } from './layout.tsx';

interface FormState {
  readonly username: string;
  readonly rememberMe: boolean;
  readonly next: string;
}

/** What the visitor is told above the form, and which fields are wrong. */
interface FormProblem {
  readonly message: string;
  readonly errors: readonly FieldError[];
}

/** Mounted at `LOGIN_URL`. */
export const signInPage = (loginUrl: string) =>
  new Hono<AppEnv>()
    /** Without a session cookie no wait; an outage does not take the form down. */
    .get(loginUrl, async (c) => {
      const wanted = c.req.query('next') ?? '';
      // Longer than the form may send back: as if none had been given.
      const next = characterCount(wanted) > NEXT_MAX_CHARACTERS ? '' : wanted;
      if (await isSignedInForSure(c)) return c.redirect(destination(c, next), 302);
      return c.html(await renderForm(c, { username: '', rememberMe: false, next }, null));
    })

    .post(
      loginUrl,
      async (c, next) => {
        await requireCsrfToken(c, formBindings(c));
        return next();
      },
      validate('form', signInForm, (c, reason, data) => answerForm(c, reason, stateOf(data))),
      async (c) => {
        const { username, password, remember_me: rememberMe, next } = c.req.valid('form');
        const state: FormState = { username, rememberMe, next };
        const result = await signInOrOutage(c, { username, password }, rememberMe);
        switch (result.status) {
          case 'signed_in': {
            setSessionCookies(c, result);
            c.set('outcome', 'signed_in');
            return c.redirect(destination(c, next), 303);
          }
          case 'bad_credentials':
            return answerForm(c, { code: 'bad_credentials' }, state);
          case 'throttled':
            return answerForm(c, { code: 'throttled', retryAfterSeconds: result.retryAfterSeconds }, state);
          case 'not_now':
            return answerForm(c, result.reason, state);
        }
      },
    );

/** Where a signed-in visitor goes: a safe `next`, else `LOGIN_REDIRECT_URL`. */
function destination(c: AppContext, next: string): string {
  const { settings, url } = c.get('request');
  return safeNextUrl(next, url, settings.ALLOWED_REDIRECT_HOSTS) ?? settings.LOGIN_REDIRECT_URL;
}

async function isSignedInForSure(c: AppContext): Promise<boolean> {
  try {
    return (await findSignedIn(c)) !== null;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return false;
    throw error;
  }
}

/**
 * The form's token may go with a cookie given to nobody or to the session that came along: which of the two
 * holds, only a store could tell, and the answer would not change who may sign in.
 */
const formBindings = (c: AppContext): [null, ...TokenHash[]] => [
  null,
  ...c.get('request').cookies.tokens.map(hashToken),
];

async function signInOrOutage(
  c: AppContext,
  credentials: { username: string; password: string },
  rememberMe: boolean,
) {
  const request = c.get('request');
  try {
    return await signIn(request, credentials, {
      kind: 'cookie',
      rememberMe,
      deviceName: null,
      replaces: request.cookies.tokens,
    });
  } catch (error) {
    if (error instanceof StoreUnavailableError) {
      return { status: 'not_now', reason: { code: 'store_unavailable', store: error.store } } as const;
    }
    if (error instanceof OverloadedError)
      return { status: 'not_now', reason: { code: 'overloaded' } } as const;
    throw error;
  }
}

function stateOf(data: unknown): FormState {
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  return {
    username: text('username').slice(0, 150),
    rememberMe: text('remember_me') !== '',
    next: text('next'),
  };
}

/** The form again, with what was wrong; never with the password. */
async function answerForm(c: AppContext, reason: Reason, state: FormState): Promise<Response> {
  if (prefersJson(c)) throw new RequestError(reason);
  const { status, detail, headers } = problemOf(reason);
  c.set('outcome', reason.code);
  if (headers['Retry-After'] !== undefined) c.header('Retry-After', headers['Retry-After']);
  const errors = reason.code === 'invalid_fields' ? reason.errors : [];
  // A visible field says itself what is wrong with it; of the others the message must.
  const elsewhere = errors.filter(({ field }) => field !== 'username' && field !== 'password');
  const message =
    errors.length === 0
      ? detail
      : ['Please check the form.', ...elsewhere.map((each) => each.message)].join(' ');
  // A `next` that was refused would be refused again.
  const next = errors.some(({ field }) => field === 'next') ? '' : state.next;
  return c.html(await renderForm(c, { ...state, next }, { message, errors }), status);
}

async function renderForm(c: AppContext, state: FormState, problem: FormProblem | null) {
  const csrfToken = csrfTokenForForm(c, formBindings(c));
  const errorOf = (name: string): string | undefined =>
    problem?.errors.find((error) => error.field === name)?.message;
  const { LOGIN_URL } = c.get('request').settings;
  // Focus goes to the first wrong field; after wrong credentials that is the password, the name being kept.
  const isPasswordFirst = state.username !== '' && errorOf('username') === undefined;
  return (
    <Layout title={problem === null ? 'Sign in' : 'Sign in: please check'}>
      <h1>Sign in</h1>
      {problem === null ? null : (
        <p class="problem" role="alert" id="problem">
          {problem.message}
        </p>
      )}
      <form method="post" action={LOGIN_URL}>
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        <input type="hidden" name="next" value={state.next} />
        <Field name="username" label="Username" error={errorOf('username')}>
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
            {...describedBy('username', errorOf('username'))}
          />
        </Field>
        <Field name="password" label="Password" error={errorOf('password')}>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            autofocus={isPasswordFirst}
            {...describedBy('password', errorOf('password'))}
          />
        </Field>
        <label class="check">
          <input type="checkbox" name="remember_me" value="on" checked={state.rememberMe} />
          <span>Remember me on this device</span>
        </label>
        <button type="submit">Sign in</button>
      </form>
    </Layout>
  );
}
