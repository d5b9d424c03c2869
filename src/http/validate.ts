import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import type * as z from 'zod/v4/core';
import { ServiceError, type Reason } from '../errors.ts';
import { fieldErrorsOf } from './fields.ts';
import type { AppContext } from './context.ts';

/** zValidator with our errors: `invalid_fields`, one message a field. A page says how its form shows them. */
export const validate = <Target extends keyof ValidationTargets, Schema extends z.$ZodType>(
  target: Target,
  schema: Schema,
  respond?: (c: AppContext, reason: Reason, data: unknown) => Response | Promise<Response>,
) =>
  zValidator(target, schema, (result, c) => {
    if (result.success) return;
    const reason: Reason = { code: 'invalid_fields', errors: fieldErrorsOf(result.error.issues) };
    if (respond === undefined) throw new ServiceError(reason);
    return respond(c as unknown as AppContext, reason, result.data);
  });
