import type { Child } from 'hono/jsx';

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly error: string | undefined;
  /** Advice under the field. */
  readonly hint?: string;
  readonly children?: Child;
}

/** A labelled field with its error, tied together for screen readers (WCAG 2.2, 3.3.1 and 3.3.2). */
export function Field({ name, label, error, hint, children }: FieldProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {children}
      {hint === undefined ? null : (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {error === undefined ? null : (
        <p class="field-error" id={`${name}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}
