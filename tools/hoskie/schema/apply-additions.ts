import { StatementRefusedError, type SqlClient } from '../../../src/store/sql-client.ts';
import { compareSchemas, type Difference } from './compare-schemas.ts';
import type { WantedSchema } from './parse-schema.ts';
import { readSchema } from './read-schema.ts';

export interface Applied {
  readonly applied: Difference[];
  /** Not run as they don't only add, or refused, as a unique index is by rows that are there twice. */
  readonly left: Difference[];
}

/**
 * Runs the statements that only add. Nothing is run if nothing is missing, so it then needs no right to change tables.
 *
 * @throws `store_unavailable`; what was added by then stays
 */
export async function applyAdditions(sql: SqlClient, wanted: WantedSchema): Promise<Applied> {
  const compare = async (): Promise<Difference[]> => compareSchemas(wanted, await readSchema(sql));
  const differences = await compare();
  for (const { name, statement, onlyAdds } of differences) {
    if (!onlyAdds) continue;
    try {
      await sql.execute(statement, []);
    } catch (error) {
      if (error instanceof StatementRefusedError) continue;
      // If a reply is lost, the statement is sent again and fails as it has been run.
      if ((await compare()).some((each) => each.name === name)) throw error;
    }
  }
  const left = await compare();
  const isLeft = new Set(left.map(({ name }) => name));
  return { applied: differences.filter(({ name }) => !isLeft.has(name)), left };
}
