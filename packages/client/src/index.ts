export { apiClient } from './api-client.ts';
export {
  requireSession,
  type RequireSessionOptions,
  type SessionServiceBinding,
  type SessionVariables,
  type SessionView,
  type User,
  type Verification,
} from './require-session.ts';
