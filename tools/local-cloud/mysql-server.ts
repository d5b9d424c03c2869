import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerCommand } from './docker.ts';
import { commonOptions, REDO_LOG_SIZE } from './mysql-data.ts';
import { runAlone, SQL_MODE } from './mysql-pool.ts';
import { programEnvironment, type MysqlProgram } from './programs.ts';
import type { ServerCommand } from './server-process.ts';

export interface MysqlServerOptions {
  /** Its data directory exists. */
  program: MysqlProgram | 'docker';
  directory: string;
  port: number;
  password: string;
}

const USER = 'local';

const INSIDE = { port: 3306, data: '/var/lib/mysql' };

/** Where a program's data directory is. */
export const mysqlData = (directory: string): string => join(directory, 'mysql');

/** The command of a private mariadbd or mysqld: on 127.0.0.1 only, small buffers, one account with a password. */
export async function mysqlCommand(options: MysqlServerOptions): Promise<ServerCommand> {
  const { program, directory, port, password } = options;
  if (program === 'docker') return mysqlContainer(options);
  const data = mysqlData(directory);
  const temporary = join(directory, 'mysql-tmp');
  mkdirSync(temporary, { recursive: true });
  const initFile = join(directory, 'mysql-accounts.sql');
  writeFileSync(initFile, accountStatements(password), { mode: 0o600 });
  const url = `mysql://${USER}:${password}@127.0.0.1:${port}`;
  return {
    name: 'mysql',
    url,
    directory,
    data,
    program: program.path,
    args: [
      ...commonOptions(program),
      `--datadir=${data}`,
      `--tmpdir=${temporary}`,
      `--init-file=${initFile}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      // No socket file: its path may be at most 107 bytes long, and it is not used.
      '--socket=',
      ...SERVER_OPTIONS,
      ...(program.flavour === 'mariadb' ? MARIADB_LIKE_MYSQL : MYSQL_OPTIONS),
    ],
    environment: programEnvironment(program),
    mark: data,
    probe: () => runAlone({ url }, 'DO 0'),
  };
}

async function mysqlContainer(options: MysqlServerOptions): Promise<ServerCommand> {
  const { directory, port, password } = options;
  // The image makes this account when its volume is empty. A file, as everybody can read a command line.
  const variables = join(directory, 'mysql.env');
  writeFileSync(variables, `MYSQL_ROOT_PASSWORD=${password}\n`, { mode: 0o600 });
  const url = `mysql://root:${password}@127.0.0.1:${port}`;
  const container = {
    ...{ inside: INSIDE, port, password },
    options: ['--env-file', variables],
    args: [...SERVER_OPTIONS, ...MYSQL_OPTIONS],
  };
  const probe = () => runAlone({ url }, 'DO 0');
  return containerCommand({ ...container, name: 'mysql', url, directory, probe });
}

const SERVER_OPTIONS = [
  '--skip-log-bin',
  '--skip-name-resolve',
  '--character-set-server=utf8mb4',
  '--default-time-zone=+00:00',
  `--sql-mode=${SQL_MODE}`,
  '--max-connections=400',
  '--performance-schema=OFF',
  '--innodb-buffer-pool-size=32M',
  // A crash of the machine may cost the last second; a crash of the server costs nothing.
  '--innodb-flush-log-at-trx-commit=2',
];

/** A small redo log (since 8.0.30), and none of MySQL's second protocol. */
const MYSQL_OPTIONS = [`--loose-innodb-redo-log-capacity=${REDO_LOG_SIZE}`, '--loose-mysqlx=OFF'];

/** Where MariaDB's defaults differ from MySQL 8's in a way that a query can see. */
const MARIADB_LIKE_MYSQL = [
  `--innodb-log-file-size=${REDO_LOG_SIZE}`,
  // The nearest that every MariaDB has to utf8mb4_0900_ai_ci: ignores accents and case, counts trailing spaces.
  '--collation-server=utf8mb4_unicode_520_nopad_ci',
  '--explicit-defaults-for-timestamp=ON',
  // On since MariaDB 11.6, unknown before 10.6: error 1020 where MySQL would read on.
  '--loose-innodb-snapshot-isolation=OFF',
];

/** Runs at each start: one statement a line, as MySQL wants it. */
function accountStatements(password: string): string {
  const account = `'${USER}'@'127.0.0.1'`;
  return [
    `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}';`,
    `ALTER USER ${account} IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION;`,
    `ALTER USER IF EXISTS 'root'@'localhost' IDENTIFIED BY '${password}';`,
    '',
  ].join('\n');
}
