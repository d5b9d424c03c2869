import { Log, LogLevel, Miniflare } from 'miniflare';
import { inject } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { findFreePort } from '../../../tools/local-cloud/free-port.ts';
import { newSigningKey, toKeySet } from '../../../tools/signing-keys.ts';
import { bundleWorker, SERVICE } from '../../support/worker-group.ts';
import { textBindings, workerConfig } from '../../support/worker-config.ts';
import { SECRET_KEY } from '../../support/worker.ts';
import type { Proxy } from './proxy.ts';

let bundle: Promise<string> | null = null;
const bundleGate = (): Promise<string> => (bundle ??= bundleWorker('examples/gate'));

const SETTINGS = {
  BASE_PATH: '/auth/',
  SESSION_COOKIE_NAME: '__Host-hoskie',
  CSRF_COOKIE_NAME: '__Host-hoskie-csrf',
};

export interface GateOptions {
  cloud: CloudProxy;
  appPort: number;
  vars?: Record<string, string>;
  /** In the place of the built service. */
  service?: string;
  /** A Worker that is the app. */
  appWorker?: string;
}

/** The example and the built service, in workerd, as their wrangler.toml bind them. */
export async function openGate(options: GateOptions): Promise<Proxy> {
  const { cloud, appPort, vars = {}, service = inject('bundle').script, appWorker } = options;
  if (service === null) throw new Error(`The Worker could not be built:\n${inject('bundle').error}`);
  const port = await findFreePort();
  const origin = `http://localhost:${port}`;
  const key = newSigningKey();
  const miniflare = new Miniflare({
    ...{ host: '127.0.0.1', port, cf: false, logRequests: false },
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: () => undefined,
    workers: [
      {
        config: workerConfig('gate', await bundleGate(), {
          HOSKIE: { type: 'worker', worker: SERVICE },
          ...(appWorker === undefined ? {} : { APP: { type: 'worker', worker: 'app' } }),
          ...textBindings({
            ...{ ORIGIN: `http://127.0.0.1:${appPort}`, PUBLIC_PATHS: '/static/', PROTECTED_PATHS: '/' },
            ...SETTINGS,
            ...vars,
          }),
        }),
      },
      {
        config: workerConfig(
          SERVICE,
          service,
          textBindings({
            ...cloud.env,
            SECRET_KEY,
            ...SETTINGS,
            PUBLIC_URL: origin,
            ASSERTION_KEYS: toKeySet([key]),
          }),
        ),
      },
      ...(appWorker === undefined ? [] : [{ config: workerConfig('app', appWorker, {}) }]),
    ],
  });
  await miniflare.ready;
  return {
    ...{ origin, serviceOrigin: origin, sessionCookie: SETTINGS.SESSION_COOKIE_NAME, key },
    stop: () => miniflare.dispose(),
  };
}
