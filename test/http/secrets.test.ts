import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { addUser, PASSWORD } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { SECRET_KEY } from '../support/worker.ts';

const environment = useTestEnvironment();

/** Every key and its content as text. */
async function dumpRedis(redis: Redis): Promise<string> {
  const lines: string[] = [];
  for (const key of await redis.keys('*')) {
    lines.push(`${key} ${JSON.stringify(await contentOf(redis, key))}`);
  }
  return lines.join('\n');
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'stream':
      return redis.xrange(key, '-', '+');
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'set':
      return redis.smembers(key);
    default:
      return redis.lrange(key, 0, -1);
  }
}

async function dumpMysql(): Promise<string> {
  const lines: string[] = [];
  for (const row of await environment.cloud.query('SHOW TABLES')) {
    const table = String(Object.values(row)[0]);
    for (const each of await environment.cloud.query(`SELECT * FROM \`${table}\``)) {
      lines.push(`${table} ${JSON.stringify(each)}`);
    }
  }
  return lines.join('\n');
}

test('no log, key, value or row holds a secret, whatever happened', async () => {
  const tokens: string[] = [];
  const user = await addUser(environment.cloud);
  const visitor = environment.worker.visitor();
  const remember = async (): Promise<void> => {
    for (const name of ['sessionid', 'csrftoken']) tokens.push((await visitor.cookie(name)) ?? '');
  };

  await visitor.trySignIn({ ...user, password: 'a-wrong-password-all-the-same' });
  await visitor.signIn(user, { rememberMe: true });
  await remember();
  await visitor.get(`/home/?token=${tokens[0]}`);
  await visitor.get(`/nowhere/${tokens[0]}`);
  // Outages: the error texts of the vendors' clients contain commands and SQL with their values.
  for (const store of ['redis', 'mysql'] as const) {
    for (const body of ['{"error":"ERR failed"}', 'no JSON']) {
      environment.cloud.faults.set(store, { kind: 'status', status: 500, body });
      await visitor.get('/home/');
      await visitor.submit(await environment.worker.visitor().get('/sign-in/'), {
        username: user.username,
        password: user.password,
      });
      const other = environment.worker.visitor();
      await other.trySignIn(user);
      await environment.worker.scheduled();
    }
    environment.cloud.faults.clear();
  }
  await environment.worker.scheduled();
  // A row that MySQL rejects: its error text contains the value.
  await environment.cloud.query(
    "ALTER TABLE login_activity ADD CONSTRAINT no_poison CHECK (user_agent <> 'poison')",
  );
  const second = environment.worker.visitor({ headers: { 'User-Agent': 'poison' } });
  await second.signIn(user);
  tokens.push((await second.cookie('sessionid')) ?? '');
  await environment.worker.delivered();
  await environment.cloud.query('ALTER TABLE login_activity DROP CONSTRAINT no_poison');
  const beforeLogout = await dumpRedis(environment.cloud.redis);
  await visitor.logOut();
  // The token is used again after the sign-out.
  await visitor.setCookie(`sessionid=${tokens[0]}; Path=/; Secure; HttpOnly`);
  await visitor.get('/home/');
  await environment.worker.scheduled();
  await environment.worker.delivered();

  const haystacks = {
    logs: environment.worker.logs.join('\n'),
    'redis before the logout': beforeLogout,
    'redis afterwards': await dumpRedis(environment.cloud.redis),
    mysql: await dumpMysql(),
  };
  // The dumps aren't empty.
  expect(haystacks.logs).toContain('session_use_after_expire');
  expect(haystacks.logs).toContain('activity_set_aside');
  expect(haystacks['redis before the logout']).toContain(user.username);
  expect(haystacks.mysql).toContain('bcrypt_sha256$');
  expect(tokens.filter((token) => token !== '')).toHaveLength(3);

  const { UPSTASH_REDIS_REST_TOKEN, DATABASE_URL } = environment.cloud.env;
  const secrets = [
    ...tokens,
    PASSWORD,
    'a-wrong-password-all-the-same',
    UPSTASH_REDIS_REST_TOKEN,
    new URL(DATABASE_URL).password,
    SECRET_KEY,
  ];
  for (const [where, haystack] of Object.entries(haystacks)) {
    for (const secret of secrets) expect(haystack.includes(secret), where).toBe(false);
  }
});

test('log lines are JSON with known fields', () => {
  for (const line of environment.worker.logs) {
    const entry = JSON.parse(line) as Record<string, unknown>;
    expect(entry['event']).toMatch(/^[a-z_]+$/);
    for (const name of ['username', 'password', 'token', 'cookie', 'query', 'sql', 'message']) {
      expect(entry).not.toHaveProperty(name);
    }
  }
});
