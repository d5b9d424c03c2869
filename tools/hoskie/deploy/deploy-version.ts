import type { CheckResult } from '../doctor/doctor.ts';
import { examine } from '../doctor/examine.ts';
import { failuresOf, lineOfResult } from '../doctor/results.ts';
import { KNOWN_WITHIN_MS, type Account } from '../doctor/site.ts';
import { CliError, EXIT } from '../exit.ts';
import { count } from '../output.ts';
import { startProgress } from '../progress.ts';
import {
  deployAtOnce,
  deployTriggers,
  findLiveVersion,
  setTraffic,
  uploadVersion,
  type Upload,
} from '../wrangler/versions.ts';
import type { WorkerConfig } from '../wrangler/worker-config.ts';

/** A new domain first gets its DNS record and its certificate. */
const FIRST_WITHIN_MS = 300_000;

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
 * allows nothing else, and is examined then. `tell` gets a line for each step and check.
 *
 * @throws `CliError` if wrangler fails, or on Ctrl-C after the step under way
 */
export async function deployVersion(
  worker: WorkerConfig,
  givenUrl: string | null,
  account: Account | null,
  tell: (line: string) => void,
): Promise<Deployment> {
  const { name } = worker;
  const steps = await startProgress('Deploying', 0);
  try {
    const previousId = await findLiveVersion(worker);
    const isFirst = previousId === null;
    if (!isFirst && givenUrl === null) throw unknownAddress();
    steps.advance(1);
    tell(
      isFirst
        ? `The first deployment of ${name}, with all traffic at once ...`
        : `Uploading a version of ${name} ...`,
    );
    const upload = isFirst ? await deployAtOnce(worker) : await uploadVersion(worker);
    tell(`Version ${upload.versionId}${sizeOf(upload)}`);
    steps.advance(1);
    if (!isFirst) {
      await setTraffic(worker, { [upload.versionId]: 0, [previousId]: 100 });
      tell('It is deployed at 0 % of the traffic. Checks:');
      steps.advance(1);
    }
    const url = givenUrl ?? upload.targets.find((target) => /^https:\/\/[^/*]+$/.test(target));
    if (url === undefined) throw unknownAddress();
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
          id: upload.versionId,
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
      await setTraffic(worker, { [upload.versionId]: 100 });
      await deployTriggers(worker);
    }
    const isLive = isFirst || isHealthy;
    const { versionId, gzipBytes } = upload;
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

/** What came of it, and how to go on. */
function verdictOn({ name, environment }: WorkerConfig, given: Deployment, failures: number): string[] {
  const { versionId, previousId, isHealthy } = given;
  const traffic = (id: string): string => `npx wrangler versions deploy ${id}@100 --env ${environment} --yes`;
  if (isHealthy) return [`All checks passed. ${name} serves version ${versionId}.`];
  if (previousId === null)
    return [
      `${count(failures, 'check')} failed. ${name} serves this version all the same, as there is no other: mend it and deploy again.`,
    ];
  return [
    `${count(failures, 'check')} failed, so the version stays at 0 %: visitors still get ${previousId}.`,
    'Mend what failed and deploy again. Until then:',
    `  deploy it all the same           ${traffic(versionId)} && npx wrangler triggers deploy --env ${environment}`,
    `  take it out of the deployment    ${traffic(previousId)}`,
    `  change a secret                  npx wrangler versions secret put NAME --env ${environment}, then deploy again`,
  ];
}
