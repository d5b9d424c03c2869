import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, inject } from 'vitest';
import { createMysqlPool } from '../../../tools/local-cloud/mysql-pool.ts';
import { applySqlFile } from '../../../tools/local-cloud/sql-file.ts';
import { openCloud } from '../../support/cloud.ts';
import { ConsoleSession } from './console-session.ts';

const VIEWS_FILE = join(import.meta.dirname, '../../../schema-views.sql');

/** For all rows of a data set, on two cores that others use as well. */
export const LOADING_MS = 600_000;

/** A console over a database with views that `load` fills once for all tests of the file. */
export function useConsole(load: (one: Connection, other: Connection) => Promise<void>) {
  const opened = {} as { session: ConsoleSession; loadedInMs: number };
  let close = (): Promise<void> => Promise.resolve();
  beforeAll(async () => {
    const cloud = await openCloud();
    await applySqlFile(cloud, VIEWS_FILE);
    const pool = createMysqlPool(inject('cloudServers').mysql, cloud.databaseName);
    close = async () => {
      await pool.end();
      await cloud.stop();
    };
    const [one, other] = [await pool.getConnection(), await pool.getConnection()];
    const startMs = performance.now();
    await load(one, other);
    opened.loadedInMs = performance.now() - startMs;
    opened.session = await ConsoleSession.open(one);
  }, LOADING_MS);
  afterAll(() => close(), LOADING_MS);
  return opened;
}
