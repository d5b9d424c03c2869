import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import { applySqlFile } from '../local-cloud/sql-file.ts';
import { bundleWorker, OUTPUT, type Bundle } from './bundles.ts';
import { bcryptHash, userIdOf, usernameOf } from './users.ts';

// All that the benchmark knows of better-auth, but for its Worker.

const SOURCE = join(import.meta.dirname, 'better-auth');
const INSTALLED = join(OUTPUT, 'better-auth');
/** Even: a user's two sessions must not start at the same time, as better-auth rewrites the list of them. */
const SESSIONS_PER_REQUEST = 200;

/** Bundles its Worker, after installing its packages from its own lock file unless they are there. */
export function bundleBetterAuth(): Bundle {
  const lock = 'package-lock.json';
  const lockText = readFileSync(join(SOURCE, lock), 'utf8');
  mkdirSync(INSTALLED, { recursive: true });
  const isInstalled =
    existsSync(join(INSTALLED, 'node_modules')) &&
    existsSync(join(INSTALLED, lock)) &&
    readFileSync(join(INSTALLED, lock), 'utf8') === lockText;
  for (const file of ['package.json', lock, 'worker.js'])
    copyFileSync(join(SOURCE, file), join(INSTALLED, file));
  if (!isInstalled) {
    console.log('Installing better-auth ...');
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', args, { cwd: INSTALLED, stdio: 'pipe' });
  }
  return bundleWorker('better-auth', join(INSTALLED, 'worker.js'), ['nodejs_als']);
}

/** Makes its tables and adds the users 0 to `count` - 1. */
export async function addBetterAuthUsers(cloud: CloudProxy, count: number): Promise<void> {
  await applySqlFile(cloud, join(SOURCE, 'schema.sql'));
  const hash = await bcryptHash();
  const users = Array.from({ length: count }, (_, user) => [userIdOf(user), usernameOf(user)] as const);
  await cloud.query(
    'INSERT INTO `user` (id, name, email, emailVerified, username, displayUsername) VALUES ?',
    [users.map(([id, name]) => [id, name, `${name}@example.org`, 1, name, name])],
  );
  await cloud.query('INSERT INTO account (id, accountId, providerId, userId, password) VALUES ?', [
    users.map(([id]) => [id, id, 'credential', id, hash]),
  ]);
}

/** Starts sessions by its own code, two for each of these users, and returns the `Cookie` of each user's first. */
export async function seedBetterAuth(
  origin: string,
  secretKey: string,
  users: readonly number[],
): Promise<string[]> {
  const userIds = users.flatMap((user) => [userIdOf(user), userIdOf(user)]);
  const batches: Promise<string[]>[] = [];
  for (let first = 0; first < userIds.length; first += SESSIONS_PER_REQUEST)
    batches.push(startSessions(origin, userIds.slice(first, first + SESSIONS_PER_REQUEST)));
  const tokens = (await Promise.all(batches)).flat();
  return tokens
    .filter((_, i) => i % 2 === 0)
    .map((token) => {
      const signature = createHmac('sha256', secretKey).update(token).digest('base64');
      return `__Secure-better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`;
    });
}

async function startSessions(origin: string, userIds: readonly string[]): Promise<string[]> {
  const body = JSON.stringify(userIds);
  const response = await fetch(`${origin}/bench/sessions`, { method: 'POST', body });
  if (!response.ok)
    throw new Error(`better-auth started no sessions: ${response.status} ${await response.text()}`);
  return (await response.json()) as string[];
}
