import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hashPassword } from '../src/auth/password.ts';
import { fillIn } from './demo/fill-in.ts';
import { keepSecrets } from './local-cloud/credentials.ts';
import { startLocalCloud, type LocalCloud } from './local-cloud/local-cloud.ts';
import { applySqlFile } from './local-cloud/sql-file.ts';
import { newSigningKey, toKeySet } from './signing-keys.ts';

// `npm run dev`: the local cloud, its tables and views, a demo user, and the Worker in `wrangler dev`.

const DIRECTORY = '.local/dev';
const DEMO_USERNAME = 'demo';
const DEMO_BCRYPT_ROUNDS = 10;
const DEMO_PASSWORD_CHARACTERS = 12;
const CRON_INTERVAL_MS = 60_000;

function readPort(): number {
  const text = process.env['PORT'] ?? '8787';
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
    fail(`PORT is ${text}, but must be a number from 1 to 65535.`);
  return port;
}

function fail(message: string): never {
  console.error(`\nnpm run dev: ${message}`);
  process.exit(1);
}

/** Exits if the port is taken; wrangler would silently pick another one. */
async function requireFreePort(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  }).catch((error: NodeJS.ErrnoException) => {
    fail(
      error.code === 'EADDRINUSE'
        ? `port ${port} is in use. Choose another one: PORT=8788 npm run dev`
        : `port ${port} can't be used (${error.code ?? error.message}). Choose another one: PORT=8788 npm run dev`,
    );
  });
}

async function addDemoUser(cloud: LocalCloud, password: string): Promise<void> {
  const hash = await hashPassword(password, DEMO_BCRYPT_ROUNDS);
  await cloud.query(
    'INSERT INTO users (username, password_hash) VALUES (?, ?) ON DUPLICATE KEY UPDATE password_hash = ?, is_active = 1',
    [DEMO_USERNAME, hash, hash],
  );
}

/** The same from one start to the next, so that apps keep accepting what was signed. */
function keepAssertionKeys(): string {
  const path = join(DIRECTORY, 'assertion-keys.json');
  if (!existsSync(path)) writeFileSync(path, toKeySet([newSigningKey()]), { mode: 0o600 });
  return readFileSync(path, 'utf8');
}

/** Writes the Worker's bindings for wrangler, readable only by this user, in a directory that git ignores. */
function writeBindings(cloud: LocalCloud, secretKey: string): string {
  const path = join(DIRECTORY, 'worker.env');
  // Browsers may call it by either name. Apps on this machine that are to be behind it are named in the environment.
  const [host, otherHost] = [`localhost:${port}`, `127.0.0.1:${port}`];
  const { ALLOWED_REDIRECT_HOSTS: apps = '', CORS_ORIGINS: scripts = '' } = process.env;
  const bindings = {
    ...cloud.env,
    SECRET_KEY: secretKey,
    PUBLIC_URL: `http://${host}`,
    ASSERTION_KEYS: keepAssertionKeys(),
    ALLOWED_REDIRECT_HOSTS: [host, otherHost, apps].join(','),
    CORS_ORIGINS: scripts,
    CSRF_TRUSTED_ORIGINS: [`http://${otherHost}`, scripts].join(','),
  };
  const lines = Object.entries(bindings).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}

const { values: flags } = parseArgs({
  options: { fresh: { type: 'boolean', default: false }, demo: { type: 'boolean', default: false } },
});
const port = readPort();
await requireFreePort(port);

console.log('Starting Redis and MySQL for development ...');
const cloud = await startLocalCloud({ directory: DIRECTORY, fresh: flags.fresh }).catch((error: unknown) =>
  fail(error instanceof Error ? error.message : String(error)),
);
mkdirSync(DIRECTORY, { recursive: true });
const { demoSecret, secretKey } = keepSecrets(join(DIRECTORY, 'dev-secrets.json'), [
  'demoSecret',
  'secretKey',
]);
// Too long to guess, short enough to type.
const demoPassword = demoSecret.slice(0, DEMO_PASSWORD_CHARACTERS);
await applySqlFile(cloud, 'schema.sql');
await applySqlFile(cloud, 'schema-views.sql');
await addDemoUser(cloud, demoPassword);
if (flags.demo) {
  const { users, logins, logouts, sessions } = await fillIn(cloud, secretKey, Date.now());
  console.log(
    `Demo data added: ${users} users, ${logins} sign-ins and failed attempts, ${logouts} ended sessions, ${sessions} open ones.`,
  );
}
const bindings = writeBindings(cloud, secretKey);

const wrangler = spawn(
  'wrangler',
  [
    'dev',
    '--env=',
    '--port',
    String(port),
    '--ip',
    '127.0.0.1',
    '--env-file',
    bindings,
    '--show-interactive-dev-session=false',
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      // One for each checkout: in the shared one, two Workers of the same name would replace each other.
      WRANGLER_REGISTRY_PATH: resolve(DIRECTORY, 'registry'),
    },
  },
);

/** Waits until the Worker responds, so that these lines are the last on the screen. */
async function announceWhenReady(): Promise<void> {
  for (;;) {
    const isUp = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  console.log(`
  Cloud Hoskie   http://localhost:${port}/
  sign in as     ${DEMO_USERNAME}
  password       ${demoPassword}
  SQL prompt     npm run sql
  Redis          ${cloud.servers.origins.redis}
  MySQL          ${cloud.servers.origins.mysql}
  activity       npm run sql -- "SELECT * FROM logout_activity ORDER BY logged_out_at DESC LIMIT 20"

  Ctrl-C stops everything; the data stay. npm run dev -- --fresh deletes them, but not those of REDIS_URL and MYSQL_URL.
`);
}
void announceWhenReady();

// `wrangler dev` doesn't run the cron by itself.
const cron = setInterval(() => {
  fetch(`http://127.0.0.1:${port}/cdn-cgi/local/scheduled`).catch(() => undefined);
}, CRON_INTERVAL_MS);

let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    isStopping = true;
    wrangler.kill('SIGTERM');
  });
}
wrangler.on('error', () =>
  fail('wrangler is not installed; run npm ci first, and start this with npm run dev.'),
);
wrangler.on('exit', (code) => {
  clearInterval(cron);
  void cloud.stop().finally(() => process.exit(isStopping ? 0 : (code ?? 1)));
});
