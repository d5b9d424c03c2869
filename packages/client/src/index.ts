export { apiClient } from './api-client.ts';
export type { components as ApiComponents } from './generated/api.ts';
export { hoskie, type HoskieOptions, type Middleware } from './hoskie.ts';
export {
  requireSession,
  type RequireSessionOptions,
  type SessionServiceBinding,
  type SessionVariables,
  type SessionView,
  type Verification,
} from './require-session.ts';
export { verifyAssertion, type Assertion, type AssertionOptions, type User } from './verify-assertion.ts';
