import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { havePackages, PACKAGES_SETUP_TIMEOUT_MS } from '../../support/debian.ts';
import { addUser, type TestUser } from '../../support/people.ts';
import { seedSession } from '../../support/seed-session.ts';
import { useCloud } from '../../support/test-environment.ts';
import { startEchoApp, type EchoApp, type Seen, type SeenWithBody } from './echo-app.ts';
import { testIdentity } from './identity-cases.ts';
import type { OpenProxy, Proxy } from './proxy.ts';
import { send, type Reply, type Sent } from './send.ts';
import { testSignIn } from './sign-in-cases.ts';
import { testTraffic } from './traffic-cases.ts';

/** A proxy in front of the echo app, for the tests of one. */
export interface ProxyEnvironment {
  readonly cloud: CloudProxy;
  readonly app: EchoApp;
  readonly proxy: Proxy;
  /** A request through the proxy. */
  ask(path: string, sent?: Sent): Promise<Reply>;
  /** A session of a new user, and the headers that offer it. */
  signedIn(username?: string): Promise<{ user: TestUser; headers: { Cookie: string } }>;
}

/** What every proxy in front of an app promises: with the real proxy, its documented configuration and the built service. */
export function testProxy(name: string, packages: readonly string[], open: OpenProxy): void {
  describe(name, () => {
    const environment = openBeforeTests(packages, open);
    testSignIn(environment);
    testIdentity(environment);
    testTraffic(environment);
  });
}

function openBeforeTests(packages: readonly string[], open: OpenProxy): ProxyEnvironment {
  const stores = useCloud();
  let opened: { app: EchoApp; proxy: Proxy } | null = null;
  const require = () => {
    if (opened === null) throw new Error('The proxy is open in tests only');
    return opened;
  };
  beforeAll(async () => {
    if (packages.length > 0 && !(await havePackages(packages))) return;
    const app = await startEchoApp();
    opened = { app, proxy: await open(stores.cloud, app.port) };
  }, PACKAGES_SETUP_TIMEOUT_MS);
  beforeEach((test) => test.skip(opened === null, `${packages.join(', ')} can't be had`));
  afterAll(async () => {
    await opened?.proxy.stop();
    await opened?.app.stop();
  });
  return {
    get cloud() {
      return stores.cloud;
    },
    get app() {
      return require().app;
    },
    get proxy() {
      return require().proxy;
    },
    ask: (path, sent) => send(require().proxy.origin, path, sent),
    signedIn: async (username) => {
      const user = await addUser(stores.cloud, username === undefined ? {} : { username });
      const { token } = await seedSession(stores.cloud, user, { kind: 'cookie' });
      return { user, headers: { Cookie: `${require().proxy.sessionCookie}=${token}` } };
    },
  };
}

/** What the app saw of the request, by its response. */
export const seenBy = ({ body }: Reply): SeenWithBody => JSON.parse(body) as SeenWithBody;

/** The identity that the app sees: header names as CGI and WSGI apps read them. */
export function identityIn({ headers }: Seen): Record<string, string[]> {
  const identity: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const read = name.toLowerCase().replaceAll(/[_.]/g, '-');
    if (/^(?:remote|hoskie)-/.test(read)) (identity[read] ??= []).push(value);
  }
  return identity;
}
