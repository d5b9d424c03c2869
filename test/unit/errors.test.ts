import { expect, test } from 'vitest';
import { ServiceError } from '../../src/errors.ts';

test('a ServiceError has its code as text, and nothing more', () => {
  const error = new ServiceError({ code: 'throttled', retryAfterSeconds: 5 });
  expect([error.name, error.message, error.reason.code]).toEqual(['ServiceError', 'throttled', 'throttled']);
});
