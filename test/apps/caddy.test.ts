import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findFreePort } from '../../tools/local-cloud/free-port.ts';
import { CADDY_PACKAGES, debianProgram, havePackages } from '../support/debian.ts';
import { readExample, startProgram } from './proxies/proxy.ts';
import { send } from './proxies/send.ts';
import { openService } from './proxies/service.ts';
import { testProxy } from './proxies/suite.ts';

/** No certificates, nothing outside of the test's own directory. */
const GLOBAL_OPTIONS = '{\n\tadmin off\n\tauto_https off\n}\n';

testProxy('Caddy', CADDY_PACKAGES, async (cloud, appPort) => {
  const port = await findFreePort();
  const origin = `http://localhost:${port}`;
  const service = await openService(cloud, origin);
  const stop = await startCaddy(port, service.origin, appPort);
  return {
    ...{ origin, serviceOrigin: service.origin, sessionCookie: 'sessionid', key: service.key },
    stop: async () => {
      await stop();
      await service.stop();
    },
  };
});

test('Caddy without a service: its own 502, not signed out', async (context) => {
  context.skip(!(await havePackages(CADDY_PACKAGES)), 'Caddy is missing');
  const [port, closedPort] = [await findFreePort(), await findFreePort()];
  const stop = await startCaddy(port, `http://localhost:${closedPort}`, closedPort);
  try {
    const reply = await send(`http://localhost:${port}`, '/', { headers: { Accept: 'text/html' } });
    expect([reply.status, reply.location]).toEqual([502, null]);
  } finally {
    await stop();
  }
});

function startCaddy(port: number, serviceOrigin: string, appPort: number): Promise<() => Promise<void>> {
  const config = readExample('caddy/Caddyfile', [
    ['https://login.example.org', serviceOrigin],
    ['127.0.0.1:8000', `127.0.0.1:${appPort}`],
    ['\napp.example.org {', `\nhttp://localhost:${port} {`],
  ]);
  return startProgram({
    command: debianProgram('caddy'),
    port,
    args: (directory) => {
      const file = join(directory, 'Caddyfile');
      writeFileSync(file, GLOBAL_OPTIONS + config);
      return ['run', '--config', file, '--adapter', 'caddyfile'];
    },
  });
}
