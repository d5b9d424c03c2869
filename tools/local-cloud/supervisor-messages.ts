import type { MysqlProgram } from './programs.ts';

/** What the parent asks of the supervisor: one JSON line, the first on its standard input. */
export interface SupervisorOrder {
  directory: string;
  parentPid: number;
  /** Empties the directory of everything earlier runs left there. */
  fresh: boolean;
  templates: string | null;
  redisServer: string | null;
  mysql: MysqlProgram | null;
}

export interface RedisAddress {
  host: string;
  port: number;
  /** `redis://:password@host:port`, the password left out where there is none. */
  url: string;
}

export interface MysqlAddress {
  host: string;
  port: number;
  user: string;
  password: string;
  /** `mysql://user:password@host:port`, no database. */
  url: string;
}

/** What the supervisor says: JSON lines on its standard output. */
export type SupervisorMessage =
  | { kind: 'ready'; redis: RedisAddress | null; mysql: MysqlAddress | null }
  | { kind: 'failed'; message: string; inUse: boolean }
  /** A server ended by itself after it was ready. */
  | { kind: 'ended'; name: string; reason: string };
