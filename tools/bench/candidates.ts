import { join } from 'node:path';
import { addBetterAuthUsers, bundleBetterAuth } from './better-auth.ts';
import { bundleService, bundleWorker, type Bundle } from './bundles.ts';
import type { TestEnvironment } from './test-environment.ts';
import { bcryptHash, PASSWORD, PUBLIC_ORIGIN } from './users.ts';
import type { Worker } from './workerd.ts';

export const CANDIDATE_NAMES = [
  'service',
  'hono-baseline',
  'fetch-baseline',
  'better-auth',
  'bcrypt',
] as const;
export type CandidateName = (typeof CANDIDATE_NAMES)[number];

/** Builds every Worker that is measured, and adds better-auth's users to the database. */
export async function buildCandidates(
  { cloud, bindings }: TestEnvironment,
  users: number,
): Promise<Record<CandidateName, Worker>> {
  const worker = (name: CandidateName): Bundle =>
    bundleWorker(name, join(import.meta.dirname, `workers/${name}.ts`));
  await addBetterAuthUsers(cloud, users);
  return {
    service: { bundle: bundleService(), bindings },
    'hono-baseline': { bundle: worker('hono-baseline'), bindings: cloud.env },
    'fetch-baseline': { bundle: worker('fetch-baseline'), bindings: cloud.env },
    'better-auth': { bundle: bundleBetterAuth(), bindings: { ...bindings, ORIGIN: PUBLIC_ORIGIN } },
    bcrypt: { bundle: worker('bcrypt'), bindings: { PASSWORD, HASH: await bcryptHash() } },
  };
}
