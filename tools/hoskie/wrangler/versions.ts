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

/** Percentages by version. */
export type Traffic = Readonly<Record<string, number>>;

/** A Worker that visitors reach. */
export interface Live {
  /** Has all traffic. */
  readonly versionId: string;
  /** With the versions at 0 %. */
  readonly traffic: Traffic;
}

/** No such Worker (Cloudflare's error codes), or one without a deployment. */
const NOT_DEPLOYED = /\[code: (?:10007|10090)\]|has no deployments/;

/** The deployment under way. Null: there is none. */
async function readTraffic({ environment }: Worker): Promise<Traffic | null> {
  const args = ['deployments', 'status', '--json', '--env', environment];
  const result = await tryWrangler(args);
  if (result.exitCode !== 0) {
    if (NOT_DEPLOYED.test(result.stdout + result.stderr)) return null;
    throw wranglerFailed(args, result);
  }
  const { versions } = JSON.parse(result.stdout) as {
    versions: readonly { readonly version_id: string; readonly percentage: number }[];
  };
  return Object.fromEntries(versions.map((each) => [each.version_id, each.percentage]));
}

/**
 * What visitors get. Null: there is nothing to protect: no Worker yet, or only the empty one that `wrangler secret`
 * creates to have a place for secrets.
 */
export async function findLive(worker: Worker): Promise<Live | null> {
  const { name, environment } = worker;
  const traffic = await readTraffic(worker);
  const live = Object.entries(traffic ?? {}).filter(([, percentage]) => percentage > 0);
  if (live.length > 1)
    throw new CliError(
      EXIT.failed,
      `${name} has a gradual deployment under way (${live.map(([id, percentage]) => `${id} at ${percentage} %`).join(', ')}). Give one version all traffic first: npx wrangler versions deploy ID@100 --env ${environment}`,
    );
  const versionId = live[0]?.[0];
  if (traffic === null || versionId === undefined) return null;
  const { stdout } = await runWrangler(['versions', 'view', versionId, '--json', '--env', environment]);
  return isEmptyVersion(JSON.parse(stdout)) ? null : { versionId, traffic };
}

/** Whether a version, as `versions view` shows it, is what `wrangler secret` creates: a bare handler, with secrets alone. */
export function isEmptyVersion(version: unknown): boolean {
  const { resources } = version as {
    resources?: {
      script?: { handlers?: readonly string[] };
      bindings?: readonly { readonly type: string }[];
    };
  };
  const { script, bindings = [] } = resources ?? {};
  return script?.handlers?.join() === 'fetch' && bindings.every(({ type }) => type === 'secret_text');
}

/**
 * Someone else may deploy meanwhile: a rollback, or a secret, which makes a version of its own. Cloudflare offers no
 * compare-and-set, so a second or so between this and the change remains.
 *
 * @throws `CliError` if the traffic isn't shared as expected
 */
async function requireTraffic(worker: Worker, expected: Traffic): Promise<void> {
  const traffic = (await readTraffic(worker)) ?? {};
  const ids = Object.keys({ ...traffic, ...expected });
  if (ids.every((id) => traffic[id] === expected[id])) return;
  const now = Object.entries(traffic).map(([id, percentage]) => `${id} at ${percentage} %`);
  throw new CliError(
    EXIT.failed,
    `${worker.name} was deployed by someone else meanwhile (now ${now.join(', ') || 'not deployed'}). The traffic was left as it is: deploy again.`,
  );
}

/** The latest upload, deployed or not: a new secret would be added to its code. */
export async function findLatestUpload({ environment }: Worker): Promise<string | null> {
  const { stdout } = await runWrangler(['versions', 'list', '--json', '--env', environment]);
  // The ten latest, the oldest first.
  const versions = JSON.parse(stdout) as readonly { readonly id: string }[];
  return versions.at(-1)?.id ?? null;
}

/** Uploads a version that gets no traffic. */
export const uploadVersion = async ({ environment }: Worker): Promise<Upload> =>
  uploadOf(await runWrangler(['versions', 'upload', '--env', environment]), 'version-upload');

/** Uploads a version and gives it all traffic, with routes and crons: the first upload of a Worker must be this one. */
export const deployAtOnce = async ({ environment }: Worker): Promise<Upload> =>
  uploadOf(await runWrangler(['deploy', '--env', environment]), 'deploy');

/** Shares the traffic anew: percentages by version, 100 together. Throws `CliError` if it isn't shared as expected. */
export async function changeTraffic(worker: Worker, expected: Traffic, shares: Traffic): Promise<void> {
  await requireTraffic(worker, expected);
  const specs = Object.entries(shares).map(([id, percentage]) => `${id}@${percentage}`);
  await runWrangler(['versions', 'deploy', ...specs, '--env', worker.environment, '--yes']);
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
