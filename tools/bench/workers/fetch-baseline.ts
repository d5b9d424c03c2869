import { Hono } from 'hono';

interface Bindings {
  UPSTASH_REDIS_REST_URL: string;
  UPSTASH_REDIS_REST_TOKEN: string;
}

/** The baseline without Upstash's client: one GET by plain `fetch`. */
const app = new Hono<{ Bindings: Bindings }>();

app.get('/session', async (c) => {
  const key = c.req.header('Authorization')?.slice('Bearer '.length) ?? '';
  const response = await fetch(c.env.UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${c.env.UPSTASH_REDIS_REST_TOKEN}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(['GET', key]),
  });
  const { result } = (await response.json()) as { result: string | null };
  if (result === null) return c.json({ error: 'not signed in' }, 401);
  return c.json({ session: JSON.parse(result) as unknown });
});

export default app;
