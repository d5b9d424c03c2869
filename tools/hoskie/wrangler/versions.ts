import { CliError, EXIT } from '../exit.ts';
import { runWrangler, tryWrangler, wranglerFailed, type WranglerResult } from './run-wrangler.ts';
import type { WorkerConfig } from './worker-config.ts';

type Worker = Pick<WorkerConfig, 'name' | 'environment'>;

/** What was uploaded. */
export interface Upload {
  readonly versionId: string;
  /** As wrangler uploads it; null: it didn't say. */
  readonly gzipBytes: number | null;
  /** Where `wrangler deploy` made it available: hosts, addresses, schedules. */
  readonly targets: readonly string[];
}

/** No such Worker (Cloudflare's error codes), or one without a deployment. */
const NOT_THERE = /\[code: (?:10007|10090)\]|not found\.|has no deployments/;

export const isNotThere = ({ exitCode, stdout, stderr }: WranglerResult): boolean =>
  exitCode !== 0 && NOT_THERE.test(stdout + stderr);

/**
 * The version that has all traffic. Null: there is none to protect: no Worker yet, or only the empty one that
 * `wrangler secret` creates to have a place for secrets.
 */
export async function findLiveVersion({ name, environment }: Worker): Promise<string | null> {
  const args = ['deployments', 'status', '--json', '--env', environment];
  const result = await tryWrangler(args);
  if (isNotThere(result)) return null;
  if (result.exitCode !== 0) throw wranglerFailed(args, result);
  const { versions } = JSON.parse(result.stdout) as {
    versions: readonly { readonly version_id: string; readonly percentage: number }[];
  };
  const live = versions.filter(({ percentage }) => percentage > 0);
  if (live.length > 1)
    throw new CliError(
      EXIT.failed,
      `${name} has a gradual deployment under way (${live.map((each) => `${each.version_id} at ${each.percentage} %`).join(', ')}). Give one version all traffic first: npx wrangler versions deploy ID@100 --env ${environment}`,
    );
  const id = live[0]?.version_id;
  return id === undefined || (await isEmptyWorker(id, environment)) ? null : id;
}

/** Ours has a cron, so a handler for it. */
async function isEmptyWorker(versionId: string, environment: string): Promise<boolean> {
  const { stdout } = await runWrangler(['versions', 'view', versionId, '--json', '--env', environment]);
  const { resources } = JSON.parse(stdout) as {
    resources?: { script?: { handlers?: readonly string[] } };
  };
  return resources?.script?.handlers?.includes('scheduled') !== true;
}

/** Uploads a version that gets no traffic. */
export const uploadVersion = async ({ environment }: Worker): Promise<Upload> =>
  uploadOf(await runWrangler(['versions', 'upload', '--env', environment]), 'version-upload');

/** Uploads a version and gives it all traffic, with routes and crons: the first upload of a Worker must be this one. */
export const deployAtOnce = async ({ environment }: Worker): Promise<Upload> =>
  uploadOf(await runWrangler(['deploy', '--env', environment]), 'deploy');

/** Shares the traffic: percentages by version, 100 together. */
export async function setTraffic(
  { environment }: Worker,
  shares: Readonly<Record<string, number>>,
): Promise<void> {
  const specs = Object.entries(shares).map(([id, percentage]) => `${id}@${percentage}`);
  await runWrangler(['versions', 'deploy', ...specs, '--env', environment, '--yes']);
}

/** Routes and crons belong to no version. */
export async function deployTriggers({ environment }: Worker): Promise<void> {
  await runWrangler(['triggers', 'deploy', '--env', environment]);
}

function uploadOf({ records }: WranglerResult, type: string): Upload {
  const record = records.find((each) => each['type'] === type);
  const {
    version_id: id,
    bundle_size: size,
    targets,
  } = (record ?? {}) as {
    version_id?: string | null;
    bundle_size?: { gzip_bytes: number };
    targets?: readonly string[];
  };
  if (typeof id !== 'string') throw new CliError(EXIT.failed, 'wrangler reported no version.');
  return { versionId: id, gzipBytes: size?.gzip_bytes ?? null, targets: targets ?? [] };
}
