import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitStatements } from '../../local-cloud/sql-file.ts';
import { parseSchema, type WantedSchema } from './parse-schema.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The statements of a file at the top of the checkout. */
export const readStatements = (file: string): string[] =>
  splitStatements(readFileSync(join(ROOT, file), 'utf8'));

export const readWanted = (): WantedSchema => parseSchema(readStatements('schema.sql'));
