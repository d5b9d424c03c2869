import type { Child } from 'hono/jsx';
import type { Reason } from '../errors.ts';
import { describeProblem } from '../http/problem-texts.ts';
import type { Texts } from './texts/texts.ts';

const PROBLEM_ID = 'problem';

/** Why the form did nothing. Screen readers read it at once, and again with the field that has the focus. */
export const FormProblem = ({ children }: { children?: Child }) => (
  <p class="problem" role="alert" id={PROBLEM_ID}>
    {children}
  </p>
);

/** A page's title: it says first what no other input would change. */
export function titleWithProblem(title: string, problem: Reason | null, texts: Texts): string {
  switch (problem?.code) {
    case undefined:
      return title;
    case 'throttled':
    case 'store_unavailable':
    case 'overloaded':
    case 'csrf_failed':
      return `${describeProblem(problem, texts.problems).title} – ${title}`;
    default:
      return texts.form.pleaseCheck(title);
  }
}

interface Description {
  readonly error: string | undefined;
  readonly hasHint?: boolean;
  /** It has the focus on a page with a `FormProblem`. */
  readonly hasProblem: boolean;
}

/** Attributes of the input inside a `Field`. */
export function describedBy(
  name: string,
  { error, hasHint = false, hasProblem }: Description,
): Record<string, string> {
  const ids = [
    hasProblem ? PROBLEM_ID : '',
    hasHint ? `${name}-hint` : '',
    error === undefined ? '' : `${name}-error`,
  ].filter((id) => id !== '');
  return {
    ...(ids.length > 0 ? { 'aria-describedby': ids.join(' ') } : {}),
    ...(error === undefined ? {} : { 'aria-invalid': 'true' }),
  };
}
