import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { programEnvironment, type MysqlProgram } from './programs.ts';

const run = promisify(execFile);

/** A small redo log: the server's default of 96 MB would be copied for every new directory. */
export const REDO_LOG_SIZE = '16M';

/** Come before all other options of the server. */
export function commonOptions({ flavour, folder }: MysqlProgram): string[] {
  return [
    '--no-defaults',
    // The servers refuse to run as root unless told so.
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    ...(folder === null ? [] : [`--basedir=${join(folder, 'usr')}`]),
    // MySQL's default names a folder that may be missing, and then it does not start.
    ...(flavour === 'mysql' ? ['--secure-file-priv=NULL'] : []),
  ];
}

/**
 * Makes sure that a MySQL data directory exists.
 *
 * A new one is copied from a template below `templates` (made on first use, one for each server version), or made in
 * place where `templates` is null. Each step ends with a rename: half of a directory is never taken for a whole one.
 */
export async function ensureMysqlData(
  program: MysqlProgram,
  data: string,
  templates: string | null,
): Promise<void> {
  if (existsSync(data)) return;
  const partial = `${data}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(dirname(data), { recursive: true });
  if (templates === null) {
    await initialise(program, partial);
  } else {
    const template = await ensureTemplate(program, templates);
    await cp(template, partial, { recursive: true, mode: constants.COPYFILE_FICLONE });
  }
  await rename(partial, data);
}

async function ensureTemplate(program: MysqlProgram, templates: string): Promise<string> {
  const key = createHash('sha256').update(`${program.path}\n${program.version}`).digest('hex').slice(0, 12);
  const template = join(templates, `${program.flavour}-${key}`);
  if (existsSync(template)) return template;
  await mkdir(templates, { recursive: true });
  const partial = `${template}.${process.pid}.partial`;
  await rm(partial, { recursive: true, force: true });
  await initialise(program, partial);
  try {
    await rename(partial, template);
  } catch (error) {
    // Another process was quicker; its template is as good.
    if (!existsSync(template)) throw error;
    await rm(partial, { recursive: true, force: true });
  }
  return template;
}

/**
 * Fills an empty data directory with the system tables and no account at all: the server's start adds the one account.
 * MariaDB's own script for this needs the client packages, and makes root accounts without a password.
 */
async function initialise(program: MysqlProgram, data: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const common = [...commonOptions(program), `--datadir=${data}`];
  const env = programEnvironment(program);
  if (program.flavour === 'mysql') {
    await run(program.path, [...common, '--initialize-insecure'], { env });
    return;
  }
  const bootstrap = run(
    program.path,
    [
      ...common,
      '--bootstrap',
      '--log-warnings=0',
      '--max-allowed-packet=8M',
      `--innodb-log-file-size=${REDO_LOG_SIZE}`,
    ],
    { env },
  );
  bootstrap.child.stdin?.on('error', () => undefined);
  bootstrap.child.stdin?.end(await systemTables(program));
  await bootstrap;
}

/** The statements that make MariaDB's system tables; the files' names changed with version 11. */
async function systemTables(program: MysqlProgram): Promise<string> {
  const { stdout } = await run(program.path, [...commonOptions(program), '--verbose', '--help'], {
    env: programEnvironment(program),
    maxBuffer: 10_000_000,
  });
  const charsets = /^character-sets-dir\s+(\S.*)$/m.exec(stdout)?.[1];
  if (charsets === undefined)
    throw new Error(`${program.path} --help does not say where its system tables are`);
  const share = dirname(charsets.trim().replace(/\/+$/, ''));
  const texts = ['system_tables.sql', 'performance_tables.sql'].map((name) => {
    const path = [join(share, `mariadb_${name}`), join(share, `mysql_${name}`)].find((each) =>
      existsSync(each),
    );
    if (path === undefined) throw new Error(`${share} does not hold ${name}`);
    return readFileSync(path, 'utf8');
  });
  return ['CREATE DATABASE mysql;', 'USE mysql;', ...texts, ''].join('\n');
}
