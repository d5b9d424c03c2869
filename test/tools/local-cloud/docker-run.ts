/** `docker run` of docker-stub.sh: starts the real server on the published port, with what it would get inside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureMysqlData } from '../../../tools/local-cloud/mysql-data.ts';
import { mysqlCommand, mysqlData } from '../../../tools/local-cloud/mysql-server.ts';
import {
  programEnvironment,
  requireMysql,
  requireRedis,
  type MysqlProgram,
  type Program,
} from '../../../tools/local-cloud/programs.ts';

const folder = process.env['DOCKER_STUB'] ?? '';
const templates = process.env['DOCKER_STUB_TEMPLATES'] ?? '';
const args = process.argv.slice(2);
/** With programs, even where the real Docker works. */
const search = { docker: false, log: () => undefined };

const container = (name: string): string => join(folder, `${name}.container`);

await runContainer();

async function runContainer(): Promise<void> {
  const string = { type: 'string', default: '' } as const;
  const { values, positionals } = parseArgs({
    args: args.slice(1),
    options: { name: string, publish: string, volume: string, 'env-file': string },
    // What follows the image is not for Docker.
    strict: false,
    allowPositionals: true,
  });
  const [name, published, volumes, envFile] = [
    values.name,
    values.publish,
    values.volume,
    values['env-file'],
  ].map(String) as [string, string, string, string];
  if (existsSync(container(name))) process.exit(125);
  const port = Number(/^127\.0\.0\.1:(\d+):(?:6379|3306)$/.exec(published)?.[1]);
  const volume = join(folder, 'volumes', volumes.split(':')[0] ?? '');
  mkdirSync(volume, { recursive: true });
  // No stub is among the programs.
  process.env['PATH'] = process.env['PATH']?.replace(`${join(folder, 'bin')}:`, '');
  const isMysql = positionals[0]?.startsWith('mysql:') === true;
  const server = await (isMysql ? startMysql(port, volume, envFile) : startRedis(port, volume));
  writeFileSync(container(name), String(server.pid));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.kill(signal));
  server.on('exit', () => {
    rmSync(container(name), { force: true });
    process.exit();
  });
}

async function startRedis(port: number, volume: string): Promise<ChildProcess> {
  const program = (await requireRedis(search)) as Program;
  const config = readFileSync(0, 'utf8')
    .replace('bind *', 'bind 127.0.0.1')
    .replace('port 6379', `port ${port}`)
    .replace('dir "/data"', `dir ${volume}`);
  const server = spawn(program.path, ['-'], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: programEnvironment(program),
    detached: true,
  });
  server.stdin.end(config);
  return server;
}

async function startMysql(port: number, directory: string, envFile: string): Promise<ChildProcess> {
  const makeData = (each: MysqlProgram) => ensureMysqlData(each, mysqlData(directory), templates);
  const password = /^MYSQL_ROOT_PASSWORD=(.+)$/m.exec(readFileSync(envFile, 'utf8'))?.[1] ?? '';
  const program = await requireMysql(search, makeData);
  const command = await mysqlCommand({ program, directory, port, password });
  // As the image does, which gives an account that exists no other password.
  const accounts = join(directory, 'root.sql');
  const root = "'root'@'127.0.0.1'";
  writeFileSync(
    accounts,
    `CREATE USER IF NOT EXISTS ${root} IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO ${root};\n`,
  );
  return spawn(command.program, [...command.args, `--init-file=${accounts}`], {
    stdio: 'inherit',
    env: command.environment,
    detached: true,
  });
}
