import type { Child } from 'hono/jsx';
import type { Reason } from '../errors.ts';
import { describeProblem } from '../http/problem-texts.ts';
import type { Texts } from './texts/texts.ts';

export const PROBLEM_ID = 'problem';

/** Why the form did nothing. Screen readers read it at once, and again with the field that has the focus. */
export const FormProblem = ({ children }: { children?: Child }) => (
  <p class="problem" role="alert" id={PROBLEM_ID}>
    {children}
  </p>
);

/** What no other input would change. */
const STATES: readonly Reason['code'][] = ['throttled', 'store_unavailable', 'overloaded', 'csrf_failed'];

/** A page's title: it begins with the state, if that is why the form did nothing. */
export function titleWithProblem(title: string, problem: Reason | null, texts: Texts): string {
  if (problem === null) return title;
  if (!STATES.includes(problem.code)) return texts.form.pleaseCheck(title);
  return `${describeProblem(problem, texts.problems).title} – ${title}`;
}

interface Description {
  readonly error: string | undefined;
  readonly hasHint?: boolean;
  /** The id of what the page says above its form, if this field has the focus. */
  readonly message?: string | null;
}

/** Attributes of the input inside a `Field`. */
export function describedBy(
  name: string,
  { error, hasHint = false, message = null }: Description,
): Record<string, string> {
  const ids = [
    message ?? '',
    hasHint ? `${name}-hint` : '',
    error === undefined ? '' : `${name}-error`,
  ].filter((id) => id !== '');
  return {
    ...(ids.length > 0 ? { 'aria-describedby': ids.join(' ') } : {}),
    ...(error === undefined ? {} : { 'aria-invalid': 'true' }),
  };
}
