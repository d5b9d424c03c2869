import { Hono } from 'hono';

interface Bindings {
  UPSTASH_REDIS_REST_URL: string;
  UPSTASH_REDIS_REST_TOKEN: string;
}

// The least that a session check on this stack can be: Hono, one GET from Upstash with nothing but `fetch`, an
// answer in JSON. It hashes nothing, judges nothing, times nothing out and logs nothing.
const app = new Hono<{ Bindings: Bindings }>();

app.get('/session', async (c) => {
  const answer = await fetch(c.env.UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${c.env.UPSTASH_REDIS_REST_TOKEN}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(['GET', c.req.header('Authorization')?.slice('Bearer '.length) ?? '']),
  });
  const { result } = (await answer.json()) as { result: string | null };
  if (result === null) return c.json({ error: 'not signed in' }, 401);
  return c.json({ session: JSON.parse(result) as unknown });
});

export default app;
