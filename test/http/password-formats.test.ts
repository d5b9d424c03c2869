import { scryptSync } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password.ts';
import { ApiCaller } from '../support/api.ts';
import { addUser, eventually, PASSWORD } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { openWorker } from '../support/worker.ts';

const environment = useTestEnvironment();

/** The current cost, so that only the format is outdated. */
const COST = 10;

async function storedHash(id: string): Promise<string> {
  const [row] = await environment.cloud.query('SELECT password_hash FROM users WHERE id = ?', [id]);
  return String(row?.['password_hash']);
}

test.each([
  ['a bare $2b$', (hash: string) => hash],
  ['a bare $2a$', (hash: string) => hash.replace('$2b$', '$2a$')],
  ['a bare $2y$', (hash: string) => hash.replace('$2b$', '$2y$')],
  ["Django's bcrypt$", (hash: string) => `bcrypt$${hash}`],
])('%s signs in and is rewritten in the background', async (_, format) => {
  const passwordHash = format(await bcrypt.hash(PASSWORD, COST));
  const user = await addUser(environment.cloud, { passwordHash });
  const visitor = environment.worker.visitor();
  expect((await visitor.trySignIn({ ...user, password: 'wrong' })).status).toBe(401);
  await environment.cloud.settled();
  expect(await storedHash(user.id)).toBe(passwordHash);
  await visitor.signIn(user);
  await eventually(async () => expect(await storedHash(user.id)).toMatch(/^bcrypt_sha256\$\$2b\$10\$/));
  await environment.worker.visitor().signIn(user);
  expect(await visitor.isSignedIn()).toBe(true);
});

test("Django's scrypt$ signs in and is rewritten in the background", async () => {
  const hash = scryptSync(PASSWORD, 'seasalt', 64, { N: 16_384, r: 8, p: 5, maxmem: 2 ** 26 }).toString(
    'base64',
  );
  const user = await addUser(environment.cloud, { passwordHash: `scrypt$16384$seasalt$8$5$${hash}` });
  const visitor = environment.worker.visitor();
  expect((await visitor.trySignIn({ ...user, password: 'wrong' })).status).toBe(401);
  await visitor.signIn(user);
  await eventually(async () => expect(await storedHash(user.id)).toMatch(/^bcrypt_sha256\$\$2b\$10\$/));
  await environment.worker.visitor().signIn(user);
});

test('a plain bcrypt is left alone if the password is longer than what it covers', async () => {
  const password = 'p'.repeat(73);
  const passwordHash = await bcrypt.hash(password, COST);
  const user = await addUser(environment.cloud, { passwordHash });
  await environment.worker.visitor().signIn({ ...user, password });
  await environment.worker.delivered();
  await environment.cloud.settled();
  expect(await storedHash(user.id)).toBe(passwordHash);
});

test('a refusal takes at least REFUSAL_FLOOR_MS, through either channel, and a response without it does not', async () => {
  const floorMs = 2000;
  await using worker = await openWorker({
    cloud: environment.cloud,
    bindings: { REFUSAL_FLOOR_MS: String(floorMs) },
  });
  const user = await addUser(environment.cloud, { passwordHash: await hashPassword(PASSWORD, 4) });
  const visitor = worker.visitor();
  const page = await visitor.get('/sign-in/');
  const refusals = [
    () => visitor.submit(page, { username: user.username, password: 'wrong' }),
    () => new ApiCaller(worker.visitor()).post('/sessions', { username: 'nobody', password: 'wrong' }),
  ];
  for (const refuse of refusals) {
    const startedAtMs = performance.now();
    expect((await refuse()).status).toBe(401);
    const tookMs = performance.now() - startedAtMs;
    // Timers may ring a little early.
    expect(tookMs).toBeGreaterThan(floorMs - 20);
    expect(tookMs).toBeLessThan(5000);
  }
});

test('a hash of the current format and cost is left alone, one of a lower cost is not', async () => {
  const user = await addUser(environment.cloud);
  const before = await storedHash(user.id);
  await environment.worker.visitor().signIn(user);
  await environment.worker.delivered();
  await environment.cloud.settled();
  expect(await storedHash(user.id)).toBe(before);
  await using worker = await openWorker({ cloud: environment.cloud, bindings: { BCRYPT_ROUNDS: '11' } });
  await worker.visitor().signIn(user);
  await eventually(async () => expect(await storedHash(user.id)).toMatch(/^bcrypt_sha256\$\$2b\$11\$/));
  // Back at the lower cost, it stays.
  const higher = await storedHash(user.id);
  await environment.worker.visitor().signIn(user);
  await environment.worker.delivered();
  await environment.cloud.settled();
  expect(await storedHash(user.id)).toBe(higher);
});

test('a long password counts to its last character', async () => {
  const password = `${'x'.repeat(100)}1`;
  const user = await addUser(environment.cloud, { passwordHash: await hashPassword(password, 10) });
  await environment.worker.visitor().signIn({ ...user, password });
  const almost = await environment.worker.visitor().trySignIn({ ...user, password: `${'x'.repeat(100)}2` });
  expect(almost.status).toBe(401);
});

test.each(['', '!', '!unusable', 'plain', 'argon2$argon2id$v=19$m=8$x$y', '$2b$31$' + 'a'.repeat(53)])(
  'a hash like "%s" matches no password',
  async (passwordHash) => {
    const user = await addUser(environment.cloud, { passwordHash });
    for (const password of [PASSWORD, passwordHash || 'x']) {
      expect((await environment.worker.visitor().trySignIn({ ...user, password })).status).toBe(401);
    }
  },
);
