import { Hono } from 'hono';
import { requireSession, type SessionVariables } from '@cloud-hoskie/client';

// A Worker of its own that asks Cloud Hoskie who its visitors are.
const app = new Hono<{ Variables: SessionVariables }>();

app.use(requireSession({ binding: 'SESSIONS' }));
app.get('/whoami', (c) => c.json({ user: c.var.user, device: c.var.session.user_agent }));

export default app;
