import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { runAlone } from '../../../tools/local-cloud/mysql-pool.ts';
import { connectRedis } from '../../../tools/local-cloud/redis-connection.ts';
import { commandLine } from '../../../tools/local-cloud/server-process.ts';
import { startServers, type Servers } from '../../../tools/local-cloud/servers.ts';

// Servers in Docker, where their programs are missing. The program `docker` is a stub: see docker-stub.sh.

const TEMPLATES = join(import.meta.dirname, '../../../.local/mysql-templates');
const GONE = { timeout: 15_000, interval: 20 };

let folder: string;
let directory: string;
let lines: string[];
const started: Servers[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'docker-'));
  directory = join(folder, 'servers');
  lines = [];
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(import.meta.dirname, 'docker-stub.sh'), join(folder, 'bin/docker'));
  chmodSync(join(folder, 'bin/docker'), 0o755);
  vi.stubEnv('DOCKER_STUB_NODE', process.execPath);
  vi.stubEnv('DOCKER_STUB_RUN', join(import.meta.dirname, 'docker-run.ts'));
  vi.stubEnv('DOCKER_STUB', folder);
  vi.stubEnv('DOCKER_STUB_TEMPLATES', TEMPLATES);
  vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env['PATH']}`);
  vi.stubEnv('NODE_OPTIONS', '');
  vi.stubEnv('DOCKER_HOST', '');
  vi.stubEnv('REDIS_URL', '');
  vi.stubEnv('MYSQL_URL', inject('cloudServers').mysql.url);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(started.splice(0).map((each) => each.stop()));
  await expect.poll(containers, GONE).toEqual([]);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function start(fresh = false): Promise<Servers> {
  const options = {
    directory,
    fresh,
    programs: { folders: [join(folder, 'programs')], packages: join(folder, 'packages') },
    log: (line: string) => void lines.push(line),
  };
  const servers = await startServers(options);
  started.push(servers);
  return servers;
}

/** Starts servers in another process. */
async function startElsewhere(): Promise<ChildProcess> {
  const args = [join(import.meta.dirname, 'hold-servers.ts'), directory, TEMPLATES, folder];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
  return child;
}

const calls = (): string => readFileSync(join(folder, 'calls'), 'utf8');

/** Those that exist. */
const containers = (): string[] => globSync('*.container', { cwd: folder });

const volumes = (): string[] => globSync('*', { cwd: join(folder, 'volumes') });

/** The process id of the server in the only container. */
const serverId = (): number => Number(readFileSync(join(folder, containers()[0] ?? ''), 'utf8'));

/** The process id of `docker run`. */
const clientId = (): number =>
  (JSON.parse(readFileSync(join(directory, 'redis.running.json'), 'utf8')) as { pid: number }).pid;

async function withRedis<Result>({ redis: { url } }: Servers, use: (redis: Redis) => Promise<Result>) {
  const redis = await connectRedis(url, 0);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
type Redis = Awaited<ReturnType<typeof connectRedis>>;

test('both servers run, published on 127.0.0.1 only, with passwords on no command line', async () => {
  vi.stubEnv('MYSQL_URL', '');
  const servers = await start();
  expect(await withRedis(servers, (redis) => redis.ping())).toBe('PONG');
  await runAlone(servers.mysql, 'CREATE DATABASE in_docker');
  const runs = calls()
    .split('\n')
    .filter((line) => line.startsWith('run '));
  expect(runs).toHaveLength(2);
  for (const origin of Object.values(servers.origins))
    expect(origin).toMatch(/^Docker, data in volume cloud-hoskie-/);
  for (const line of runs) expect(line).toMatch(/ --rm .* --publish 127\.0\.0\.1:\d+:(6379|3306) /);
  expect(runs.map((line) => / (valkey\/valkey:8|mysql:8\.4) /.exec(line)?.[1]).sort()).toEqual([
    'mysql:8.4',
    'valkey/valkey:8',
  ]);
  for (const { url } of [servers.redis, servers.mysql]) expect(calls()).not.toContain(new URL(url).password);
});

test('an image is downloaded once', async () => {
  await (await start()).stop();
  await start();
  expect(calls().match(/^pull .*$/gm)).toEqual(['pull --quiet valkey/valkey:8']);
});

test(
  'the data stay between runs, until a fresh start or until the directory is deleted',
  { timeout: 60_000 },
  async () => {
    const write = (servers: Servers) => withRedis(servers, (redis) => redis.set('k', 'v'));
    const read = (servers: Servers) => withRedis(servers, (redis) => redis.get('k'));
    const first = await start();
    await write(first);
    await first.stop();
    const second = await start();
    expect(await read(second)).toBe('v');
    await second.stop();
    const third = await start(true);
    expect(await read(third)).toBeNull();
    await write(third);
    await third.stop();
    rmSync(directory, { recursive: true });
    expect(await read(await start())).toBeNull();
  },
);

test('data of another password are deleted', async () => {
  await (await start()).stop();
  const [first] = volumes();
  // A fresh start with programs, while Docker was off.
  rmSync(join(directory, 'secrets.json'));
  await start();
  expect(volumes()).toHaveLength(1);
  expect(volumes()).not.toEqual([first]);
});

test('data of a first start that was interrupted are deleted', async () => {
  const first = await start();
  await withRedis(first, (redis) => redis.set('k', 'v'));
  await first.stop();
  // As if it had ended before the server responded.
  rmSync(join(directory, 'redis.volume'));
  expect(await withRedis(await start(), (redis) => redis.get('k'))).toBeNull();
});

test('a fresh start with other servers deletes the data, too', async () => {
  await (await start()).stop();
  expect(volumes()).toHaveLength(1);
  vi.stubEnv('REDIS_URL', inject('cloudServers').redis.url);
  vi.stubEnv('MYSQL_URL', '');
  writeFileSync(join(folder, 'no-registry'), '');
  leaveNoPackages();
  await start(true).catch(() => undefined);
  expect(volumes()).toEqual([]);
});

test('a container is gone after stop()', async () => {
  const servers = await start();
  expect(containers()).toHaveLength(1);
  await servers.stop();
  expect(containers()).toEqual([]);
});

test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
  'a container is removed if its program ends by %s',
  async (signal) => {
    const { pid = 0 } = await startElsewhere();
    const server = serverId();
    process.kill(-pid, signal);
    await expect.poll(containers, GONE).toEqual([]);
    expect(commandLine(server)).toBe('');
  },
);

test('a container is removed if the client that runs it is killed', async () => {
  await startElsewhere();
  process.kill(clientId(), 'SIGKILL');
  await expect.poll(containers, GONE).toEqual([]);
});

test('a container that is left over makes room for the next', async () => {
  const servers = await start();
  const [name = ''] = containers();
  await servers.stop();
  // Of a server that has ended.
  writeFileSync(join(folder, name), String(spawnSync('true').pid));
  expect(await withRedis(await start(), (redis) => redis.ping())).toBe('PONG');
});

test('a mysqld that may not write to our folder counts as missing', async () => {
  const mysqld = join(folder, 'programs/mysqld');
  mkdirSync(join(folder, 'programs'));
  writeFileSync(
    mysqld,
    `#!/bin/sh
case "$*" in *--version*) echo 'mysqld  Ver 8.0.44-0ubuntu0.24.04.1 for Linux on x86_64 ((Ubuntu))'; exit ;; esac
echo "mysqld: Can't create/write to file 'is_writable' (OS errno 13 - Permission denied)" >&2
exit 1
`,
    { mode: 0o755 },
  );
  vi.stubEnv('REDIS_URL', inject('cloudServers').redis.url);
  vi.stubEnv('MYSQL_URL', '');
  await runAlone((await start()).mysql, 'DO 0');
  expect(containers()).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`^${mysqld} can't be used here: .*Permission denied`, 's'));
});

/** So that a server that can't be had in Docker can't be had at all. */
function leaveNoPackages(): void {
  const apt = '#!/bin/sh\necho E: no network >&2\nexit 100\n';
  writeFileSync(join(folder, 'bin/apt-get'), apt, { mode: 0o755 });
}

test('a `docker` without a daemon counts as missing', async () => {
  writeFileSync(join(folder, 'no-daemon'), '');
  leaveNoPackages();
  await expect(start()).rejects.toThrow(/^Not found on this machine: redis-server or valkey-server\./);
  expect(calls()).toBe('version --format {{.Server.Version}}\n');
});

test.each(['tcp://192.0.2.1:2375', 'ssh://user@192.0.2.1'])(
  'a daemon on another machine counts as missing: %s',
  async (host) => {
    vi.stubEnv('DOCKER_HOST', host);
    leaveNoPackages();
    await expect(start()).rejects.toThrow(/^Not found on this machine: redis-server or valkey-server\./);
  },
);

test('an image that cannot be downloaded counts as missing', async () => {
  writeFileSync(join(folder, 'no-registry'), '');
  leaveNoPackages();
  await expect(start()).rejects.toThrow(/^Not found on this machine: redis-server or valkey-server\./);
  expect(lines.join('\n')).toMatch(/^Docker can't download valkey\/valkey:8: .*no registry$/ms);
});
