import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { addUser, PASSWORD } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import { SECRET_KEY } from '../support/worker.ts';

const stage = useStage();

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
  for (const row of await stage.cloud.query('SHOW TABLES')) {
    const table = String(Object.values(row)[0]);
    for (const each of await stage.cloud.query(`SELECT * FROM \`${table}\``)) {
      lines.push(`${table} ${JSON.stringify(each)}`);
    }
  }
  return lines.join('\n');
}

test('no log, key, value or row holds a secret, whatever happened', async () => {
  const tokens: string[] = [];
  const user = await addUser(stage.cloud);
  const visitor = stage.worker.visitor();
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
      stage.cloud.faults.set(store, { kind: 'status', status: 500, body });
      await visitor.get('/home/');
      await visitor.submit(await stage.worker.visitor().get('/sign-in/'), {
        username: user.username,
        password: user.password,
      });
      const other = stage.worker.visitor();
      await other.trySignIn(user);
      await stage.worker.scheduled();
    }
    stage.cloud.faults.clear();
  }
  await stage.worker.scheduled();
  // A row that MySQL rejects: its error text contains the value.
  await stage.cloud.query(
    "ALTER TABLE login_activity ADD CONSTRAINT no_poison CHECK (user_agent <> 'poison')",
  );
  const second = stage.worker.visitor({ headers: { 'User-Agent': 'poison' } });
  await second.signIn(user);
  tokens.push((await second.cookie('sessionid')) ?? '');
  await stage.worker.delivered();
  await stage.cloud.query('ALTER TABLE login_activity DROP CONSTRAINT no_poison');
  const beforeLogout = await dumpRedis(stage.cloud.redis);
  await visitor.logOut();
  // The token is used again after the sign-out.
  await visitor.setCookie(`sessionid=${tokens[0]}; Path=/; Secure; HttpOnly`);
  await visitor.get('/home/');
  await stage.worker.scheduled();
  await stage.worker.delivered();

  const haystacks = {
    logs: stage.worker.logs.join('\n'),
    'redis before the logout': beforeLogout,
    'redis afterwards': await dumpRedis(stage.cloud.redis),
    mysql: await dumpMysql(),
  };
  // The dumps aren't empty.
  expect(haystacks.logs).toContain('session_use_after_expire');
  expect(haystacks.logs).toContain('activity_set_aside');
  expect(haystacks['redis before the logout']).toContain(user.username);
  expect(haystacks.mysql).toContain('bcrypt_sha256$');
  expect(tokens.filter((token) => token !== '')).toHaveLength(3);

  const { UPSTASH_REDIS_REST_TOKEN, DATABASE_URL } = stage.cloud.env;
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
  for (const line of stage.worker.logs) {
    const entry = JSON.parse(line) as Record<string, unknown>;
    expect(entry['event']).toMatch(/^[a-z_]+$/);
    for (const name of ['username', 'password', 'token', 'cookie', 'query', 'sql', 'message']) {
      expect(entry).not.toHaveProperty(name);
    }
  }
});
