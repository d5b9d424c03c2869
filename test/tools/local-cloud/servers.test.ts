import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '@planetscale/database';
import { Redis } from '@upstash/redis';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { startLocalCloud, type LocalCloud } from '../../../tools/local-cloud/local-cloud.ts';
import { environmentOf } from '../../../tools/debian-packages.ts';
import { requireMysql, requireRedis, type Program } from '../../../tools/local-cloud/programs.ts';
import { commandLine } from '../../../tools/local-cloud/server-process.ts';
import { DirectoryInUseError, startServers, type Servers } from '../../../tools/local-cloud/servers.ts';

/** Shared with the whole test run: making one takes most of a first start. */
const TEMPLATES = join(import.meta.dirname, '../../../.local/mysql-templates');
/** Containers are in docker.test.ts, and would leave volumes. */
const PROGRAMS = { docker: false };
const GONE = { timeout: 15_000, interval: 20 };

let directory: string;
const started: { stop(): Promise<void> }[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'local-cloud-'));
  vi.stubEnv('REDIS_URL', '');
  vi.stubEnv('MYSQL_URL', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(started.splice(0).map((each) => each.stop()));
  await expect.poll(() => serverIds().filter(isAlive), GONE).toEqual([]);
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<Servers> {
  const servers = await startServers({ directory, templates: TEMPLATES, programs: PROGRAMS });
  started.push(servers);
  return servers;
}

async function startCloud(fresh = false): Promise<LocalCloud> {
  const options = { directory, templates: TEMPLATES, programs: PROGRAMS, databaseName: 'app', fresh };
  const cloud = await startLocalCloud(options);
  started.push(cloud);
  return cloud;
}

/** Starts servers in another process and waits for its first line. */
async function startElsewhere(): Promise<{ child: ChildProcess; address: Record<string, unknown> }> {
  const program = join(import.meta.dirname, 'hold-servers.ts');
  const child = spawn(process.execPath, [program, directory, TEMPLATES], {
    // Its own process group, as a terminal would give it.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const line = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).once('line', resolve);
  });
  return { child, address: JSON.parse(line) as Record<string, unknown> };
}

/** The servers that were started in the directory. */
function serverIds(): number[] {
  const notes = readdirSync(directory).filter((name) => name.endsWith('.running.json'));
  return notes.map(
    (name) => (JSON.parse(readFileSync(join(directory, name), 'utf8')) as { pid: number }).pid,
  );
}

/** The processes that keep these servers. */
function keepersOf(ids: number[]): number[] {
  return ids.map(parentOf);
}

/** Small systems have no ps, others than Linux no /proc. */
function parentOf(id: number): number {
  if (!existsSync('/proc/self/status'))
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(id)], { encoding: 'utf8' }));
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]);
}

/** Installed or fetched; null where it can't be had, with `CI` set an error. */
async function anyProgram(store: 'redis' | 'mysql'): Promise<Program | null> {
  const search = { ...PROGRAMS, log: console.log };
  const found = store === 'redis' ? requireRedis(search) : requireMysql(search, () => Promise.resolve());
  return (await found.catch((error: unknown) => {
    if (process.env['CI']) throw error;
    return null;
  })) as Program | null;
}

const isAlive = (id: number): boolean => commandLine(id) !== '';

describe('a local cloud', () => {
  test('keeps data and secrets between runs, until a fresh start', async () => {
    const first = await startCloud();
    await first.query('CREATE TABLE t (name VARCHAR(20))');
    await new Client({ url: first.env.DATABASE_URL }).execute("INSERT INTO t VALUES ('😀')");
    await first.redis.set('k', 'v');
    await first.stop();

    const second = await startCloud();
    expect(await second.query('SELECT name FROM t')).toEqual([{ name: '😀' }]);
    expect(await second.redis.get('k')).toBe('v');
    expect(second.env.UPSTASH_REDIS_REST_TOKEN).toBe(first.env.UPSTASH_REDIS_REST_TOKEN);
    expect(new URL(second.env.DATABASE_URL).password).toBe(new URL(first.env.DATABASE_URL).password);
    await second.stop();

    const third = await startCloud(true);
    expect(await third.query('SHOW TABLES')).toEqual([]);
    expect(await third.redis.get('k')).toBeNull();
  });

  test('responds with 5xx while the servers are down', async () => {
    const cloud = await startCloud();
    const redis = new Redis({
      url: cloud.env.UPSTASH_REDIS_REST_URL,
      token: cloud.env.UPSTASH_REDIS_REST_TOKEN,
      retry: { retries: 0 },
    });
    const client = new Client({ url: cloud.env.DATABASE_URL });
    await redis.set('k', 'v');
    await client.execute('SELECT 1');
    await cloud.servers.stop();
    await expect(redis.get('k')).rejects.toThrow('ERR the Redis server cannot be reached');
    await expect(client.execute('SELECT 1')).rejects.toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE', message: 'the MySQL server cannot be reached' },
    });
    expect(cloud.calls.map(({ status }) => status)).toEqual([200, 200, 500, 503]);
  });
});

describe('servers', () => {
  test('listen on 127.0.0.1 only and keep their passwords to their owner', async () => {
    const { redis, mysql } = await start();
    expect([redis.url, mysql.url].map((url) => new URL(url).hostname)).toEqual(['127.0.0.1', '127.0.0.1']);
    for (const file of ['secrets.json', 'mysql-accounts.sql', 'redis.conf']) {
      expect(statSync(join(directory, file)).mode & 0o077).toBe(0);
    }
    const ids = serverIds();
    const commandLines = [...ids, ...keepersOf(ids)].map(commandLine);
    expect(commandLines).toHaveLength(4);
    for (const line of commandLines) {
      expect(line).not.toContain(new URL(mysql.url).password);
      expect(line).not.toContain(new URL(redis.url).password);
    }
  });

  test('are gone after stop()', async () => {
    const servers = await start();
    const ids = [...serverIds(), ...keepersOf(serverIds())];
    expect(ids.filter(isAlive)).toHaveLength(4);
    await servers.stop();
    expect(ids.filter(isAlive)).toEqual([]);
  });

  test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'end when their program ends by %s',
    async (signal) => {
      const { child } = await startElsewhere();
      const ids = serverIds();
      expect(ids.filter(isAlive)).toHaveLength(2);
      // To the whole group, as Ctrl-C in a terminal does.
      process.kill(-(child.pid ?? 0), signal);
      // The next start need not wait for that.
      await start();
      expect(ids.filter(isAlive)).toEqual([]);
    },
  );

  test('that a killed keeper left behind are ended by the next start', async () => {
    await startElsewhere();
    const ids = serverIds();
    const keepers = keepersOf(ids);
    for (const keeper of keepers) process.kill(keeper, 'SIGKILL');
    await expect.poll(() => keepers.filter(isAlive), GONE).toEqual([]);
    for (const child of children.splice(0)) child.kill('SIGKILL');
    expect(ids.filter(isAlive)).toHaveLength(2);
    await start();
    expect(ids.filter(isAlive)).toEqual([]);
  });

  test('are refused to a second user of the directory', async () => {
    const { child } = await startElsewhere();
    const error: unknown = await start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DirectoryInUseError);
    expect((error as Error).message).toBe(
      `${directory} is in use by process ${child.pid}: stop that one, or use another directory`,
    );
    expect(serverIds().filter(isAlive)).toHaveLength(2);
  });

  test('of REDIS_URL and MYSQL_URL are used where they are given', async () => {
    const { redis, mysql } = inject('cloudServers');
    vi.stubEnv('REDIS_URL', redis.url);
    vi.stubEnv('MYSQL_URL', mysql.url);
    const both = await start();
    expect({ redis: both.redis, mysql: both.mysql }).toEqual({ redis, mysql });
    expect(readdirSync(directory)).toEqual([]);

    vi.stubEnv('MYSQL_URL', '');
    const one = await start();
    expect(one.redis).toEqual(redis);
    expect(one.mysql.url).not.toBe(mysql.url);
    expect(serverIds()).toHaveLength(1);
  });

  test.for([
    ['valkey-server', 'redis'],
    ['mysqld', 'mysql'],
  ] as const)('may be a %s that comes first on PATH', async ([name, store], context) => {
    const program = await anyProgram(store);
    if (program === null) return context.skip(`no program of ${store} is installed or can be fetched`);
    const folder = join(directory, 'bin');
    const used = join(directory, 'used');
    mkdirSync(folder);
    const environment = program.folder === null ? {} : environmentOf(program.folder);
    const exports = Object.entries(environment).map(([key, value]) => `export ${key}='${value}'`);
    const base = store === 'mysql' && program.folder !== null ? ` --basedir='${program.folder}/usr'` : '';
    const lines = ['#!/bin/sh', ...exports, `echo used >'${used}'`, `exec '${program.path}' "$@"${base}`, ''];
    writeFileSync(join(folder, name), lines.join('\n'), { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    const { redis, mysql } = inject('cloudServers');
    vi.stubEnv(store === 'redis' ? 'MYSQL_URL' : 'REDIS_URL', store === 'redis' ? mysql.url : redis.url);
    await start();
    expect(readFileSync(used, 'utf8')).toBe('used\n');
  });
});
