import type { CheckResult } from '../doctor/doctor.ts';
import { examine } from '../doctor/examine.ts';
import { failuresOf, lineOfResult } from '../doctor/results.ts';
import { KNOWN_WITHIN_MS, type Account } from '../doctor/site.ts';
import { CliError, EXIT } from '../exit.ts';
import { count } from '../output.ts';
import { startProgress } from '../progress.ts';
import {
  changeTraffic,
  deployAtOnce,
  deployTriggers,
  findLive,
  uploadVersion,
  type Live,
  type Upload,
} from '../wrangler/versions.ts';
import type { WorkerConfig } from '../wrangler/worker-config.ts';

/** A new domain first gets its DNS record and its certificate. */
export const FIRST_WITHIN_MS = 300_000;

export interface Deployment {
  readonly versionId: string;
  /** What had the traffic before; null: this is the first deployment. */
  readonly previousId: string | null;
  /** Null: wrangler didn't say. */
  readonly gzipBytes: number | null;
  readonly checks: readonly CheckResult[];
  /** Whether visitors get it. */
  readonly isLive: boolean;
  /** Whether the doctor found nothing. */
  readonly isHealthy: boolean;
}

/**
 * Uploads a version, examines it at 0 % of the traffic, then gives it all, with the routes and crons of wrangler.toml. If
 * the doctor finds something, it stays at 0 %. The first upload of a Worker gets all traffic at once, as Cloudflare
 * allows nothing else, and is examined then. `tell` gets a line for each step and check; `onLive` is called once visitors
 * get the version, whatever happens afterwards.
 *
 * @throws `CliError` if wrangler fails, or on Ctrl-C after the step under way
 */
export async function deployVersion(
  worker: WorkerConfig,
  givenUrl: string | null,
  account: Account | null,
  tell: (line: string) => void,
  onLive: () => void = () => undefined,
): Promise<Deployment> {
  const { name } = worker;
  const steps = await startProgress('Deploying', 0);
  try {
    const live = await findLive(worker);
    const previousId = live?.versionId ?? null;
    const isFirst = live === null;
    if (!isFirst && givenUrl === null) throw unknownAddress();
    steps.advance(1);
    tell(
      isFirst
        ? `The first deployment of ${name}, with all traffic at once ...`
        : `Uploading a version of ${name} ...`,
    );
    const upload = isFirst ? await deployAtOnce(worker) : await uploadVersion(worker);
    const { versionId, gzipBytes } = upload;
    tell(`Version ${versionId}${sizeOf(upload)}`);
    if (isFirst) {
      onLive();
      tell(`Visitors of ${name} now get it.`);
    }
    steps.advance(1);
    const staged = isFirst ? {} : { [versionId]: 0, [live.versionId]: 100 };
    if (!isFirst) {
      await changeTraffic(worker, live.traffic, staged);
      tell('It is deployed at 0 % of the traffic. Checks:');
      steps.advance(1);
    }
    const url = givenUrl ?? findTarget(upload, worker);
    if (url === null) throw unknownAddress();
    if (isFirst) tell(`Checks of ${url}, which may take some minutes to respond:`);
    const { origin, pathname } = new URL(url);
    const checks = await examine(
      {
        origin,
        basePath: pathname,
        sessionCookie: worker.sessionCookie,
        csrfCookie: worker.csrfCookie,
        version: {
          worker: name,
          id: versionId,
          knownWithinMs: isFirst ? FIRST_WITHIN_MS : KNOWN_WITHIN_MS,
        },
      },
      account,
      (result) => tell(lineOfResult(result)),
    );
    steps.advance(1);
    const failures = failuresOf(checks);
    const isHealthy = failures === 0;
    if (!isFirst && isHealthy) {
      await changeTraffic(worker, staged, { [versionId]: 100 });
      onLive();
      tell(`Visitors of ${name} now get version ${versionId}.`);
      await deployTriggers(worker);
    }
    const isLive = isFirst || isHealthy;
    const deployment = { versionId, previousId, gzipBytes, checks, isLive, isHealthy };
    for (const line of verdictOn(worker, deployment, failures)) tell(line);
    return deployment;
  } finally {
    steps.stop();
  }
}

const unknownAddress = (): CliError =>
  new CliError(
    EXIT.usage,
    'The address to check is unknown: give it with --url (SITE_URL), or set the route in wrangler.toml.',
  );

const sizeOf = ({ gzipBytes }: Upload): string =>
  gzipBytes === null ? '' : `, ${(gzipBytes / 1024).toFixed(1)} KiB (gzip)`;

/** The address, on workers.dev, say, that wrangler reported, with `BASE_PATH`. Null: it reported none. */
export function findTarget(
  { targets }: Pick<Upload, 'targets'>,
  { basePath }: Pick<WorkerConfig, 'basePath'>,
): string | null {
  const origin = targets.find((target) => /^https:\/\/[^/*]+$/.test(target));
  return origin === undefined ? null : new URL(basePath, origin).href;
}

const trafficCommand = (environment: string, id: string): string =>
  `npx wrangler versions deploy ${id}@100 --env ${environment} --yes`;
const deployCommand = (environment: string, id: string): string =>
  `${trafficCommand(environment, id)} && npx wrangler triggers deploy --env ${environment}`;

/**
 * Why secrets and routes must wait: a version that isn't live. A new secret would be added to its code, and deployed. Null:
 * there is none.
 */
export function describeWaiting(
  { name, environment }: Pick<WorkerConfig, 'name' | 'environment'>,
  { versionId: liveId, traffic }: Live,
  latestId: string | null,
): string | null {
  const stagedId = Object.keys(traffic).find((id) => id !== liveId);
  const waitingId = stagedId ?? latestId ?? liveId;
  if (waitingId === liveId) return null;
  const deploy = deployCommand(environment, waitingId);
  return stagedId === undefined
    ? `The latest upload of ${name}, ${waitingId}, isn't live. Deploy it: ${deploy}, or deploy this checkout: hoskie deploy --env ${environment}. Then run this again.`
    : `${name} has version ${waitingId} at 0 %. Deploy it: ${deploy}, or take it out of the deployment: ${trafficCommand(environment, liveId)}. Then run this again.`;
}

/** What came of it, and how to go on. */
function verdictOn({ name, environment }: WorkerConfig, given: Deployment, failures: number): string[] {
  const { versionId, previousId, isHealthy } = given;
  if (isHealthy) return [`All checks passed. ${name} serves version ${versionId}.`];
  if (previousId === null)
    return [
      `${count(failures, 'check')} failed. ${name} serves this version all the same, as there is no other: fix it and deploy again.`,
    ];
  return [
    `${count(failures, 'check')} failed, so the version stays at 0 %: visitors still get ${previousId}.`,
    'Fix what failed and deploy again. Until then:',
    `  deploy it all the same           ${deployCommand(environment, versionId)}`,
    `  take it out of the deployment    ${trafficCommand(environment, previousId)}`,
    `  change a secret                  npx wrangler versions secret put NAME --env ${environment}, then deploy again`,
  ];
}
