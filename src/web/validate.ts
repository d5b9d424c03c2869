import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import type * as z from 'zod/v4/core';
import { RequestError, type Reason } from '../errors.ts';
import { fieldErrorsOf } from './fields.ts';
import type { AppContext } from './request-context.ts';

/**
 * zValidator whose refusals are ours: `invalid_fields` with one message a field, never zod's own object. A page
 * hands in how it shows them in its form.
 */
export const validate = <Target extends keyof ValidationTargets, Schema extends z.$ZodType>(
  target: Target,
  schema: Schema,
  answer?: (c: AppContext, reason: Reason, data: unknown) => Promise<Response>,
) =>
  zValidator(target, schema, async (result, c) => {
    if (result.success) return;
    const reason: Reason = { code: 'invalid_fields', errors: fieldErrorsOf(result.error.issues) };
    if (answer === undefined) throw new RequestError(reason);
    return answer(c as unknown as AppContext, reason, result.data);
  });
