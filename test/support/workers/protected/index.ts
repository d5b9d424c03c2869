import { Hono } from 'hono';
import { requireSession, type SessionServiceBinding, type SessionVariables } from '@cloud-hoskie/client';

/** A Worker of somebody else behind Cloud Hoskie: pages for people, and the service's bare answers for tests. */
const app = new Hono<{ Bindings: { SESSIONS: SessionServiceBinding }; Variables: SessionVariables }>();

app.use(
  '/pages/*',
  requireSession({ binding: 'SESSIONS', signInUrl: 'https://login.example.org/sign-in/?from=app' }),
);
app.all('/pages/*', async (c) =>
  c.json({ username: c.var.user.username, session: c.var.session.id, body: await c.req.text() }),
);

app.get('/verify-request', async (c) => c.json(await c.env.SESSIONS.verify(c.req.raw)));
app.post('/verify-token', async (c) => c.json(await c.env.SESSIONS.verify(await c.req.text())));

// As a Worker in JavaScript may do for a visitor without a cookie.
app.get('/verify-undefined', async (c) => c.json(await c.env.SESSIONS.verify(undefined as never)));

app.use('/unbound/*', requireSession({ binding: 'NOBODY' }));
app.onError((error, c) => c.text(error.message, 500));

export default app;
