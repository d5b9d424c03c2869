import type { SetupOptions } from '../commands/setup.ts';
import { describeWaiting } from '../deploy/deploy-version.ts';
import { readWanted } from '../schema/read-wanted.ts';
import { Doctor, type CheckResult } from '../doctor/doctor.ts';
import { failuresOf, lineOfResult } from '../doctor/results.ts';
import { CliError, EXIT } from '../exit.ts';
import { askSecret, askText, askYes } from '../prompts.ts';
import { findLatestUpload, findLive } from '../wrangler/versions.ts';
import { readWorkerConfig, type WorkerConfig } from '../wrangler/worker-config.ts';
import { collectDatabase, collectRedis } from './collect.ts';
import { leftToDo } from './left-to-do.ts';
import { changesNothing, placeOf, planLines, type Plan } from './plan.ts';
import { leadsTo, parseDomain, routeLines } from './routes.ts';
import { carryOut, checkSite } from './run-setup.ts';
import {
  findNeeded,
  isMalformed,
  listSecrets,
  MADE_HERE,
  SECRETS,
  type SecretName,
  type Values,
} from './secrets.ts';

interface Given extends SetupOptions {
  readonly given: Values;
  /** Whether someone is there to be asked. */
  readonly mayAsk: boolean;
  /** Of the service; null: not given. */
  readonly address: string | null;
}

export interface SetUp {
  readonly ok: boolean;
  readonly worker: string;
  readonly plan: readonly string[];
  readonly changed: boolean;
  readonly checks: readonly CheckResult[];
  readonly left_to_do: readonly string[];
}

/** Tries the stores, says what it would change, asks, does it, and checks the service. `tell` gets what is to be shown. */
export async function setUp(options: Given, tell: (line: string) => void): Promise<SetUp> {
  const { given, mayAsk, replace = [] } = options;
  const worker = readWorkerConfig(options.env);
  const known = await listSecrets(worker);
  const live = known === null ? null : await findLive(worker);
  const waiting = live && describeWaiting(worker, live, await findLatestUpload(worker));
  if (waiting !== null) throw new CliError(EXIT.failed, waiting);
  const needed = findNeeded(known, replace);
  const isNeeded = (name: SecretName): boolean => needed.has(name);

  const doctor = new Doctor((result) => tell(lineOfResult(result)));
  const source = { given, mayAsk, isNeeded };
  const wanted = readWanted();
  const redis = await collectRedis(doctor, source);
  const database = await collectDatabase(doctor, source, wanted);
  const adminUrl = await findAdminUrl(options, database);

  const values: Record<string, string> = {};
  const found: Values = { ...given, ...redis, ...(database && { DATABASE_URL: database.url }) };
  for (const name of SECRETS.filter(isNeeded)) {
    const value = found[name] || MADE_HERE[name]?.() || '';
    if (isMalformed(name, value)) throw new CliError(EXIT.usage, `${name} is malformed.`);
    values[name] = value;
  }
  const domain = await findDomain(options, worker);
  const plan: Plan = {
    worker,
    additions: database?.additions ?? [],
    tablesAt: adminUrl,
    domain,
    secrets: Object.keys(values).map((name) => ({
      name,
      isNew: known?.has(name) !== true,
      isMade: !found[name],
      place: name.endsWith('_URL') ? placeOf(values[name] ?? '') : null,
    })),
    keptSecrets: SECRETS.filter((name) => !isNeeded(name)),
    isFirst: live === null,
  };
  const lines = planLines(plan);
  tell(`\nPlan for ${worker.name}:`);
  for (const line of lines) tell(`  ${line}`);
  tell('');

  const result = { worker: worker.name, plan: lines, changed: false };
  if (options.dryRun === true) return { ...result, ok: true, checks: doctor.results, left_to_do: [] };
  const isIdle = changesNothing(plan);
  if (!isIdle) await confirmPlan(options);
  const checks = isIdle
    ? await checkSite(options.address ?? worker.url, worker, tell)
    : await carryOut({ plan, wanted, database, adminUrl, values, url: options.address }, tell);
  const left = leftToDo(plan, doctor.results);
  if (left.length > 0) tell('\nLeft to do by hand:');
  for (const line of left) tell(`  - ${line}`);
  return {
    ...result,
    ok: failuresOf(checks) === 0,
    changed: !isIdle,
    checks: [...doctor.results, ...checks],
    left_to_do: left,
  };
}

async function confirmPlan({ yes, mayAsk }: Given): Promise<void> {
  if (yes === true) return;
  if (!mayAsk)
    throw new CliError(EXIT.usage, 'Nothing was changed: --yes carries the plan out without a question.');
  if (!(await askYes('Go ahead?'))) throw new CliError(EXIT.interrupted, 'Nothing was changed.');
}

/** Whose password may change tables; asked for where some are missing. */
async function findAdminUrl(
  { given, mayAsk, dryRun }: Given,
  database: { readonly url: string; readonly additions: readonly unknown[] } | null,
): Promise<string> {
  const known = given['ADMIN_DATABASE_URL'] ?? '';
  if (known !== '' || database === null) return known;
  if (database.additions.length === 0 || !mayAsk || dryRun === true) return database.url;
  return (
    (await askSecret('DATABASE_URL of a user who may create tables (Enter: the same as above)')) ||
    database.url
  );
}

/** The domain to be written into wrangler.toml. Null: it has a route, or the service stays on workers.dev. */
async function findDomain(options: Given, { environment, routes }: WorkerConfig): Promise<string | null> {
  const { mayAsk } = options;
  const wanted = options.domain === undefined ? null : requireDomain(options.domain);
  if (routes.length > 0) {
    if (wanted === null || leadsTo(wanted, routes)) return null;
    throw new CliError(
      EXIT.usage,
      `wrangler.toml has another route for ${environment}: ${routes.join(', ')}.`,
    );
  }
  const text =
    wanted === null && mayAsk && options.address === null
      ? await askText('Domain (Enter: an address on workers.dev)')
      : '';
  const domain = wanted ?? (text === '' ? null : requireDomain(text));
  if (domain === null || options.writeRoute === true || options.dryRun === true) return domain;
  const lines = routeLines(environment, domain).join('\n');
  if (mayAsk && (await askYes(`Write this into wrangler.toml?\n${lines}\n`))) return domain;
  throw new CliError(
    EXIT.failed,
    `Nothing was changed. Add this line below ${lines.replace('\n', ' in wrangler.toml, then run this again: ')} (or use --write-route)`,
  );
}

function requireDomain(text: string): string {
  const domain = parseDomain(text);
  if (domain !== null) return domain;
  throw new CliError(EXIT.usage, '--domain is a host alone, such as login.example.org.');
}
