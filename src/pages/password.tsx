import { setSessionCookies } from '../http/response-cookies.ts';
import { Hono } from 'hono';
import { changePassword } from '../auth/change-password.ts';
import type { FieldError, Reason } from '../errors.ts';
import type { AppContext, AppEnv } from '../http/context.ts';
import { CSRF_FIELD, csrfRefusal, csrfTokenForForm, hasCsrfToken, requireOwnOrigin } from '../http/csrf.ts';
import { requireForm } from '../http/form-body.ts';
import { NEW_PASSWORD_MAX_CHARACTERS, passwordForm } from '../http/fields.ts';
import { findChangingSession } from '../http/changing-session.ts';
import { requireSignIn, signInUrl } from '../http/guards.ts';
import { pagePath } from '../http/page-path.ts';
import { respondWithProblem } from '../http/problems.ts';
import { validate } from '../http/validate.ts';
import { describedBy, Field } from './field.tsx';
import { renderPage } from './layout.tsx';

const PATH = '/account/password/';

export const passwordPage = new Hono<AppEnv>()
  .get(PATH, requireSignIn(), (c) => renderForm(c, null, []))

  /** Ends all other sessions and gives this one a new token. */
  .post(
    PATH,
    requireForm(),
    async (c, next) => {
      const changing = await findChangingSession(c);
      if (changing === null) return redirectToSignIn(c, 302);
      c.set('changing', changing);
      requireOwnOrigin(c);
      if (await hasCsrfToken(c, [changing.tokenHash])) return next();
      return respondWithForm(c, csrfRefusal(c));
    },
    validate('form', passwordForm, respondWithForm),
    async (c) => {
      const {
        current_password: currentPassword,
        new_password: newPassword,
        confirm_password: confirmation,
      } = c.req.valid('form');
      const request = c.get('request');
      const { session, tokenHash } = c.get('changing');
      // A program may leave it out; a person's form has the field.
      if (confirmation !== undefined && confirmation !== newPassword) {
        const errors = [{ field: 'confirm_password', message: "The two passwords don't match." }];
        return respondWithForm(c, { code: 'invalid_fields', errors });
      }
      const credential = { tokenHash, kind: 'cookie' } as const;
      const result = await changePassword(request, credential, session, { currentPassword, newPassword });
      if (result.status === 'refused') {
        return result.reason.code === 'not_signed_in'
          ? redirectToSignIn(c, 303)
          : respondWithForm(c, result.reason);
      }
      setSessionCookies(c, result);
      c.set('outcome', 'password_changed');
      return c.redirect(`${pagePath(c, '/sessions/')}?done=password`, 303);
    },
  );

function redirectToSignIn(c: AppContext, status: 302 | 303): Response {
  c.set('outcome', 'not_signed_in');
  return c.redirect(signInUrl(c, PATH), status);
}

/** The form again, with what was wrong; never with a password. A copy from before a renewal has no form to go back to. */
async function respondWithForm(c: AppContext, reason: Reason): Promise<Response> {
  if (c.get('changing').session.username === null) return redirectToSignIn(c, 303);
  return respondWithProblem(c, reason, ({ detail }) => {
    const errors =
      reason.code === 'invalid_fields'
        ? reason.errors
        : reason.code === 'wrong_current_password'
          ? [{ field: 'current_password', message: detail }]
          : [];
    // Each field says what is wrong with it.
    const message = errors.length > 0 ? 'Please check the fields below.' : detail;
    return renderForm(c, message, errors);
  });
}

function renderForm(c: AppContext, problem: string | null, errors: readonly FieldError[]) {
  const { session, tokenHash } = c.get('signedIn');
  const csrfToken = csrfTokenForForm(c, [tokenHash], session);
  const { MIN_PASSWORD_LENGTH } = c.get('request').settings;
  const firstWrong = errors[0]?.field ?? 'current_password';
  const field = (name: string, label: string, autocomplete: string, hint?: string) => {
    const error = errors.find((each) => each.field === name)?.message;
    return (
      <Field name={name} label={label} error={error} {...(hint === undefined ? {} : { hint })}>
        <input
          id={name}
          name={name}
          type="password"
          autocomplete={autocomplete}
          required
          autofocus={name === firstWrong}
          {...describedBy(name, error, hint !== undefined)}
        />
      </Field>
    );
  };
  const hint = `${MIN_PASSWORD_LENGTH} to ${NEW_PASSWORD_MAX_CHARACTERS} characters of any kind. A few words are easy to remember.`;
  return renderPage(
    c,
    {
      title: problem === null ? 'Change password' : 'Change password: please check',
      username: session.username,
    },
    <>
      <h1>Change password</h1>
      <p>Changing it signs out all your other devices.</p>
      {problem === null ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <form method="post" action={pagePath(c, PATH)}>
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        {/* Shows password managers whose password this is. */}
        <input hidden type="text" name="username" value={session.username} autocomplete="username" readonly />
        {field('current_password', 'Current password', 'current-password')}
        {field('new_password', 'New password', 'new-password', hint)}
        {field('confirm_password', 'Repeat the new password', 'new-password')}
        <button type="submit">Change password</button>
      </form>
    </>,
  );
}
