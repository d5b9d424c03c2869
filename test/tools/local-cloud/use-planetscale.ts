import { Client, DatabaseError } from '@planetscale/database';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';

/** A cloud for the tests of one file, with a table that is emptied before each of them, and the vendor's client. */
export function usePlanetScale(): { cloud: CloudProxy; client: Client } {
  const opened = {} as { cloud: CloudProxy; client: Client };
  beforeAll(async () => {
    opened.cloud = await openCloud({ schema: false });
    opened.client = new Client({ url: opened.cloud.env.DATABASE_URL });
    await opened.cloud.query(`CREATE TABLE people (
      id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
      name VARCHAR(20) NOT NULL UNIQUE,
      age INT,
      CONSTRAINT age_is_possible CHECK (age >= 0)
    )`);
  });
  beforeEach(async () => {
    await opened.cloud.query('TRUNCATE TABLE people');
    opened.cloud.calls.length = 0;
  });
  afterAll(() => opened.cloud.stop());
  return opened;
}

/** A request without the vendor's client. */
export async function post(
  { env }: CloudProxy,
  method: string,
  body: unknown,
  headers: Record<string, string> = {},
) {
  const url = new URL(env.DATABASE_URL);
  const response = await fetch(`http://${url.host}/psdb.v1alpha1.Database/${method}`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${url.username}:${url.password}`)}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, never> };
}

export async function failureOf(promise: Promise<unknown>): Promise<DatabaseError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DatabaseError)) throw new Error('expected a DatabaseError', { cause: error });
  return error;
}

export async function names(cloud: CloudProxy): Promise<unknown[]> {
  return (await cloud.query('SELECT name FROM people ORDER BY id')).map((row) => row['name']);
}
