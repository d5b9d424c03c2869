import { setSessionCookies } from '../http/response-cookies.ts';
import { Hono } from '../http/hono.ts';
import { changePassword } from '../auth/change-password.ts';
import type { FieldError, Reason } from '../errors.ts';
import type { AppContext } from '../http/context.ts';
import { CSRF_FIELD, csrfRefusal, csrfTokenForForm, hasCsrfToken, requireOwnOrigin } from '../http/csrf.ts';
import { requireForm } from '../http/form-body.ts';
import { NEW_PASSWORD_MAX_CHARACTERS, passwordForm } from '../http/fields.ts';
import { findChangingSession } from '../http/changing-session.ts';
import { requireSignIn, signInUrl } from '../http/guards.ts';
import { pagePath } from '../http/page-path.ts';
import { describeProblem } from '../http/problem-texts.ts';
import { respondWithProblem } from '../http/problems.ts';
import { validate } from '../http/validate.ts';
import { Field } from './field.tsx';
import { describedBy, FormProblem, PROBLEM_ID, titleWithProblem } from './form-problem.tsx';
import { textsFor } from './language.ts';
import { renderPage } from './layout.tsx';
import type { Texts } from './texts/texts.ts';

const PATH = '/account/password/';

export const passwordPage = new Hono()
  .get(PATH, requireSignIn(), (c) => renderForm(c, null))

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
        const message = "The two passwords don't match.";
        const error: FieldError = { field: 'confirm_password', flaw: 'not_repeated', message };
        return respondWithForm(c, { code: 'invalid_fields', errors: [error] });
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
  return respondWithProblem(c, reason, () => renderForm(c, reason));
}

/** What is wrong with which field, in words. */
function fieldProblems(problem: Reason | null, texts: Texts): ReadonlyMap<string, string> {
  if (problem?.code === 'wrong_current_password')
    return new Map([['current_password', describeProblem(problem, texts.problems).detail]]);
  if (problem?.code !== 'invalid_fields') return new Map();
  return new Map(problem.errors.map((error) => [error.field, texts.fieldError(error)]));
}

function renderForm(c: AppContext, problem: Reason | null) {
  const { session, tokenHash } = c.get('signedIn');
  const csrfToken = csrfTokenForForm(c, [tokenHash], session);
  const { MIN_PASSWORD_LENGTH } = c.get('request').settings;
  const texts = textsFor(c);
  const { form } = texts;
  const errors = fieldProblems(problem, texts);
  const [firstWrong = 'current_password'] = errors.keys();
  const field = (name: string, label: string, autocomplete: string, hint?: string) => {
    const error = errors.get(name);
    return (
      <Field name={name} label={label} error={error} {...(hint === undefined ? {} : { hint })}>
        <input
          id={name}
          name={name}
          type="password"
          autocomplete={autocomplete}
          required
          autofocus={name === firstWrong}
          {...describedBy(name, {
            error,
            hasHint: hint !== undefined,
            message: problem !== null && name === firstWrong ? PROBLEM_ID : null,
          })}
        />
      </Field>
    );
  };
  const hint = form.passwordHint(MIN_PASSWORD_LENGTH, NEW_PASSWORD_MAX_CHARACTERS);
  return renderPage(
    c,
    {
      texts,
      title: titleWithProblem(texts.changePassword, problem, texts),
      username: session.username,
    },
    <>
      <h1>{texts.changePassword}</h1>
      <p>{form.passwordWarning}</p>
      {problem === null ? null : (
        <FormProblem>
          {/* Each field says what is wrong with it. */}
          {errors.size > 0 ? form.checkFields : describeProblem(problem, texts.problems).detail}
        </FormProblem>
      )}
      <form method="post" action={pagePath(c, PATH)}>
        <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
        {/* Shows password managers whose password this is. */}
        <input hidden type="text" name="username" value={session.username} autocomplete="username" readonly />
        {field('current_password', form.currentPassword, 'current-password')}
        {field('new_password', form.newPassword, 'new-password', hint)}
        {field('confirm_password', form.confirmPassword, 'new-password')}
        <button type="submit">{texts.changePassword}</button>
      </form>
    </>,
  );
}
