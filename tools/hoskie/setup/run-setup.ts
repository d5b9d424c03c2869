import type { SqlClient } from '../../../src/store/sql-client.ts';
import { deployVersion, FIRST_WITHIN_MS, type Deployment } from '../deploy/deploy-version.ts';
import { Doctor, type CheckResult } from '../doctor/doctor.ts';
import { examine } from '../doctor/examine.ts';
import { failuresOf, lineOfResult } from '../doctor/results.ts';
import type { WorkerVersion } from '../doctor/site.ts';
import { CliError, EXIT } from '../exit.ts';
import { count } from '../output.ts';
import { startProgress, type Progress } from '../progress.ts';
import { applyAdditions } from '../schema/apply-additions.ts';
import { compareSchemas } from '../schema/compare-schemas.ts';
import type { WantedSchema } from '../schema/parse-schema.ts';
import { readSchema } from '../schema/read-schema.ts';
import { deployTriggers, findLive } from '../wrangler/versions.ts';
import { readWorkerConfig, type WorkerConfig } from '../wrangler/worker-config.ts';
import { checkRights } from './check-mysql.ts';
import { openSql, type Database } from './collect.ts';
import type { Plan } from './plan.ts';
import { writeRoute } from './routes.ts';
import { putSecrets, type Values } from './secrets.ts';

export interface Prepared {
  readonly plan: Plan;
  readonly wanted: WantedSchema;
  /** Null: it was not given, so it isn't touched. */
  readonly database: Database | null;
  /** With the right to change tables. */
  readonly adminUrl: string;
  /** Of `plan.secrets`. */
  readonly values: Values;
  /** Null: that of wrangler.toml, or the one that wrangler reports. */
  readonly url: string | null;
}

/**
 * Does what the plan says, in an order that leaves nothing half done: what a step needs is there before it, and a repeated
 * run goes on. `tell` gets a line once each is done.
 *
 * @throws `CliError`, also on Ctrl-C after the step under way
 */
export async function carryOut(
  prepared: Prepared,
  tell: (line: string) => void,
): Promise<readonly CheckResult[]> {
  const { plan, values, url } = prepared;
  const { environment } = plan.worker;
  const steps = await startProgress('Setting up', 0);
  try {
    if (plan.additions.length > 0) await addTables(prepared, steps, tell);
    if (plan.domain !== null) {
      writeRoute(environment, plan.domain);
      if (!plan.isFirst) await deployTriggers(plan.worker);
      tell('done: the route is in wrangler.toml');
      steps.advance(1);
    }
    if (plan.secrets.length > 0) {
      await putSecrets(plan.worker, values);
      tell(`done: ${count(plan.secrets.length, 'secret')} set`);
      steps.advance(1);
    }
  } finally {
    steps.stop();
  }
  // With the route that was just written.
  const worker = readWorkerConfig(environment);
  // A new domain turns the previous address off.
  const address = plan.domain === null ? (url ?? worker.url) : worker.url;
  if (!plan.isFirst)
    return checkSite(address, worker, tell, plan.domain === null ? null : await findNew(worker));
  const { checks }: Deployment = await deployVersion(worker, address, null, tell);
  return checks;
}

async function addTables(
  { wanted, database, adminUrl }: Prepared,
  steps: Progress,
  tell: (line: string) => void,
): Promise<void> {
  const { applied, left } = await applyAdditions(openSql(adminUrl), wanted).catch((error: unknown) => {
    tell(
      'MySQL refused to change tables, or is out. If it refused: set ADMIN_DATABASE_URL, with the role Admin.',
    );
    throw error;
  });
  tell(`done: ${applied.map(({ name }) => name).join(', ')} added to MySQL`);
  if (left.length > 0)
    throw new CliError(
      EXIT.failed,
      `MySQL refused ${left.map(({ name }) => name).join(', ')}: see hoskie schema diff.`,
    );
  if (database === null) return steps.advance(1);
  if (adminUrl !== database.url) await requireComplete(database.sql, wanted);
  steps.advance(1);
  const doctor = new Doctor((result) => tell(lineOfResult(result)));
  if (!(await checkRights(doctor, database.sql, [])))
    throw new CliError(
      EXIT.failed,
      'DATABASE_URL: see above. The tables are there; nothing else was changed.',
    );
}

/** The Worker's database must now have what was added. */
export async function requireComplete(sql: SqlClient, wanted: WantedSchema): Promise<void> {
  if (compareSchemas(wanted, await readSchema(sql)).length === 0) return;
  throw new CliError(
    EXIT.failed,
    'ADMIN_DATABASE_URL is another database than DATABASE_URL. The tables were added there; nothing else was changed.',
  );
}

/** What a new domain leads to, in some minutes. */
async function findNew(worker: WorkerConfig): Promise<WorkerVersion | null> {
  const live = await findLive(worker);
  return live && { worker: worker.name, id: live.versionId, knownWithinMs: FIRST_WITHIN_MS };
}

/** What anyone can see; without an address, nothing. */
export async function checkSite(
  url: string | null,
  { sessionCookie, csrfCookie }: { readonly sessionCookie: string; readonly csrfCookie: string },
  tell: (line: string) => void,
  version: WorkerVersion | null = null,
): Promise<readonly CheckResult[]> {
  if (url === null) {
    tell('The service was not checked: its address is unknown. --url gives one.');
    return [];
  }
  if (version !== null) tell(`Checks of ${url}, which may take some minutes to respond:`);
  const { origin, pathname: basePath } = new URL(url);
  const checks = await examine({ origin, basePath, sessionCookie, csrfCookie, version }, null, (result) =>
    tell(lineOfResult(result)),
  );
  const failures = failuresOf(checks);
  tell(failures === 0 ? 'All checks passed.' : `${failures} of ${checks.length} failed.`);
  return checks;
}
