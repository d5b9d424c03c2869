import { Client } from '@planetscale/database';
import { Redis } from '@upstash/redis/cloudflare';
import { Hono } from 'hono';

interface Bindings {
  UPSTASH_REDIS_REST_URL: string;
  UPSTASH_REDIS_REST_TOKEN: string;
  DATABASE_URL: string;
}

/**
 * The baseline: a bare Hono Worker with the vendors' clients. A session check is one GET. It hashes nothing, validates
 * nothing, has no time limits and logs nothing.
 */
const app = new Hono<{ Bindings: Bindings }>();

const keyOf = (header: string | undefined): string => header?.slice('Bearer '.length) ?? '';

let redis: Redis | undefined;
const connect = (env: Bindings): Redis =>
  (redis ??= new Redis({
    url: env.UPSTASH_REDIS_REST_URL,
    token: env.UPSTASH_REDIS_REST_TOKEN,
    retry: { retries: 0 },
    automaticDeserialization: false,
    responseEncoding: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    latencyLogging: false,
  }));

app.get('/session', async (c) => {
  const record = await connect(c.env).get<string>(keyOf(c.req.header('Authorization')));
  if (record === null) return c.json({ error: 'not signed in' }, 401);
  return c.json({ session: JSON.parse(record) as unknown });
});

/** A sign-out's three calls: one before the response, a row and one more in the background. */
app.delete('/session', async (c) => {
  const ended = await connect(c.env).del(keyOf(c.req.header('Authorization')));
  c.executionCtx.waitUntil(recordLogout(c.env));
  return c.json({ ended });
});

async function recordLogout(env: Bindings): Promise<void> {
  await new Client({ url: env.DATABASE_URL }).execute(
    `INSERT INTO logout_activity (id, user_id, username, session_id, reason, logged_out_at)
     VALUES (?, 1, 'user', 'session', 'logout', UTC_TIMESTAMP(3))`,
    [crypto.randomUUID()],
  );
  await connect(env).del('event');
}

export default app;
