import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { findFreePort } from '../../../tools/local-cloud/free-port.ts';
import { newSigningKey, toKeySet } from '../../../tools/signing-keys.ts';
import type { SigningKey } from '../../../src/lib/signing-keys.ts';
import { openWorker } from '../../support/worker.ts';

export interface Service {
  readonly origin: string;
  readonly host: string;
  readonly key: SigningKey;
  stop(): Promise<void>;
}

/** The built service on an origin of its own. All ports of localhost share their cookies, as hosts of one domain can. */
export async function openService(cloud: CloudProxy, appOrigin: string): Promise<Service> {
  const port = await findFreePort();
  const origin = `http://localhost:${port}`;
  const key = newSigningKey();
  const worker = await openWorker({
    cloud,
    port,
    bindings: {
      PUBLIC_URL: origin,
      ASSERTION_KEYS: toKeySet([key]),
      ALLOWED_REDIRECT_HOSTS: new URL(appOrigin).host,
    },
  });
  return { origin, host: `localhost:${port}`, key, stop: () => worker.stop() };
}
