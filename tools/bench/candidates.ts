import { join } from 'node:path';
import type { CloudProxy } from '../local-cloud/proxy.ts';
import { bundleBetterAuth, bundleService, bundleWorker, type Bundle } from './bundles.ts';
import { PASSWORD, PUBLIC_ORIGIN } from './people.ts';

export const CANDIDATE_NAMES = ['service', 'floor', 'better-auth', 'bcrypt', 'empty'] as const;
export type CandidateName = (typeof CANDIDATE_NAMES)[number];

export interface Candidate {
  name: CandidateName;
  bundle: Bundle;
  bindings: Record<string, string>;
}

export function buildCandidates(
  cloud: CloudProxy,
  { secretKey, hash }: { secretKey: string; hash: string },
): Record<CandidateName, Candidate> {
  const worker = (name: string): Bundle =>
    bundleWorker(name, join(import.meta.dirname, `workers/${name}.ts`));
  const stores = { ...cloud.env, SECRET_KEY: secretKey };
  return {
    service: { name: 'service', bundle: bundleService(), bindings: stores },
    floor: {
      name: 'floor',
      bundle: worker('floor'),
      bindings: cloud.env,
    },
    'better-auth': {
      name: 'better-auth',
      bundle: bundleBetterAuth(),
      bindings: { ...stores, ORIGIN: PUBLIC_ORIGIN },
    },
    bcrypt: { name: 'bcrypt', bundle: worker('bcrypt'), bindings: { PASSWORD, HASH: hash } },
    empty: { name: 'empty', bundle: worker('empty'), bindings: {} },
  };
}
