import type { z } from 'zod';
import type { passwordBody, signInBody } from '../../src/api/request-schemas.ts';
import type {
  CurrentView,
  LogoutsView,
  PasswordView,
  ReceiptView,
  SessionsView,
  SessionView,
  SignInView,
  UserView,
} from '../../src/http/response-schemas.ts';

// What the document shows of each body. The tests send the requests to the service and compare what it returns.

const user: UserView = { id: '1', username: 'ada' };

const session: SessionView = {
  id: '1eq7jpepcgytpwj1s234fe8d74',
  current: true,
  kind: 'bearer',
  created_at: '2026-11-23T20:44:24.782Z',
  last_seen_at: '2026-11-23T20:44:24.782Z',
  expires_at: '2026-11-24T20:44:24.782Z',
  ip_address: '203.0.113.7',
  user_agent: 'ExampleApp/1.0',
  device_name: "Ada's phone",
  remember_me: false,
};

const logout = (reason: ReceiptView['logouts'][number]['reason']): ReceiptView['logouts'][number] => ({
  id: '01a20a27-1bd2-74cb-9005-4c74f77ac5f8',
  session_id: session.id,
  reason,
  logged_out_at: '2026-11-23T20:50:24.914Z',
});

const receipt = (reason: ReceiptView['logouts'][number]['reason']): ReceiptView => ({
  revoked: 1,
  logouts: [logout(reason)],
});

const signInRequest: z.input<typeof signInBody> = {
  username: user.username,
  password: 'correct horse battery staple',
  device_name: "Ada's phone",
};
const signIn: SignInView = {
  token: 'nzVrYpvMlYDXQn5f1O1JaCXivrGVg9Hivm0_TgmlqcY',
  token_type: 'Bearer',
  expires_at: session.expires_at,
  device_token: 'Wl9nT0hYb2JxU2pLZ1BtQQ.kD3vLr0m7cJt2xYwQe5ZbA',
  session,
  user,
};
const current: CurrentView = { session, user };
const sessions: SessionsView = { sessions: [session] };

const passwordRequest: z.input<typeof passwordBody> = {
  current_password: signInRequest.password,
  new_password: 'a quiet otter counts stars',
};
const password: PasswordView = {
  ...receipt('password_changed'),
  token: 'bT1xkqXcWm3rJ8sVYh0uGd5oPZaN2fLtKe7iQwRyUvE',
};

const logouts: LogoutsView = {
  logouts: [
    { ...logout('logout'), ip_address: session.ip_address, user_agent: session.user_agent, country: 'DE' },
  ],
  next_before: null,
};

export const EXAMPLES = {
  signInRequest,
  signIn,
  current,
  sessions,
  receipt,
  passwordRequest,
  password,
  logouts,
};
