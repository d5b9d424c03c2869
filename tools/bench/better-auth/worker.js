import { kyselyAdapter } from '@better-auth/kysely-adapter';
import bcrypt from 'bcryptjs';
import { betterAuth } from 'better-auth/minimal';
import { username } from 'better-auth/plugins/username';
import { Kysely } from 'kysely';
import { PlanetScaleDialect } from 'kysely-planetscale';

// better-auth on Workers as cheap as it comes: the minimal build, sessions in Upstash alone, one instance for the
// isolate's life, plain `fetch` instead of a Redis client, no rate limiting, no origin check that it can do without.
// Its cookie cache stays off: with it a session goes on being valid for minutes after it was ended.

const BCRYPT_ROUNDS = 10;

function createAuth(env) {
  const redis = async (...command) => {
    const response = await fetch(env.UPSTASH_REDIS_REST_URL, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(command),
    });
    if (!response.ok) throw new Error(`Redis responded ${response.status}`);
    return (await response.json()).result;
  };
  const database = new URL(env.DATABASE_URL);
  const dialect = new PlanetScaleDialect({
    host: database.host,
    username: decodeURIComponent(database.username),
    password: decodeURIComponent(database.password),
    // The client says https whatever it is given; the local stand-in speaks http.
    fetch: (url, init) => fetch(url.replace(/^https:/, database.protocol), init),
  });
  return betterAuth({
    baseURL: env.ORIGIN,
    secret: env.SECRET_KEY,
    database: kyselyAdapter(new Kysely({ dialect }), { type: 'mysql' }),
    secondaryStorage: {
      get: (key) => redis('GET', key),
      getAndDelete: (key) => redis('GETDEL', key),
      increment: (key, seconds) => redis('EVAL', INCREMENT_SCRIPT, '1', key, String(seconds)),
      set: (key, value, seconds) =>
        seconds ? redis('SET', key, value, 'EX', String(seconds)) : redis('SET', key, value),
      delete: (key) => redis('DEL', key),
    },
    emailAndPassword: {
      enabled: true,
      password: {
        hash: (password) => bcrypt.hash(password, BCRYPT_ROUNDS),
        verify: ({ hash, password }) => bcrypt.compare(password, hash),
      },
    },
    plugins: [username()],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
}

const INCREMENT_SCRIPT = `
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count`;

let auth = null;

export default {
  async fetch(request, env) {
    auth ??= createAuth(env);
    if (request.method === 'POST' && request.url.endsWith('/bench/sessions')) return startSessions(request);
    return auth.handler(request);
  },
};

/** For the benchmark alone: sessions as a sign-in makes them, without the tenth of a second for bcrypt. */
async function startSessions(request) {
  const { internalAdapter } = await auth.$context;
  const tokens = [];
  for (const userId of await request.json()) {
    tokens.push((await internalAdapter.createSession(userId, false)).token);
  }
  return Response.json(tokens);
}
