import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findFreePort } from '../../tools/local-cloud/free-port.ts';
import { debianProgram, havePackages, NGINX_PACKAGES } from '../support/debian.ts';
import { readExample, startProgram } from './proxies/proxy.ts';
import { send } from './proxies/send.ts';
import { openService } from './proxies/service.ts';
import { testProxy } from './proxies/suite.ts';

testProxy('nginx', NGINX_PACKAGES, async (cloud, appPort) => {
  const port = await findFreePort();
  const origin = `http://localhost:${port}`;
  const service = await openService(cloud, origin);
  const stop = await startNginx(port, new URL(service.origin).port, appPort);
  return {
    ...{ origin, serviceOrigin: service.origin, sessionCookie: 'sessionid', key: service.key },
    stop: async () => {
      await stop();
      await service.stop();
    },
  };
});

test('nginx without a service: 503, not signed out', async (context) => {
  context.skip(!(await havePackages(NGINX_PACKAGES)), 'nginx is missing');
  const [port, closedPort] = [await findFreePort(), await findFreePort()];
  const stop = await startNginx(port, String(closedPort), closedPort);
  try {
    const reply = await send(`http://localhost:${port}`, '/', { headers: { Accept: 'text/html' } });
    expect([reply.status, reply.headers.get('Retry-After')]).toEqual([503, '10']);
  } finally {
    await stop();
  }
});

function startNginx(port: number, servicePort: string, appPort: number): Promise<() => Promise<void>> {
  const config = readExample('nginx/app.conf', [
    ['login.example.org:443', `127.0.0.1:${servicePort}`],
    ['https://hoskie', 'http://hoskie'],
    ['login.example.org', `localhost:${servicePort}`],
    ['127.0.0.1:8000', `127.0.0.1:${appPort}`],
    ['listen 443 ssl', `listen 127.0.0.1:${port}`],
    ['server_name app.example.org', 'server_name localhost'],
    ['ssl_certificate ', '# '],
    ['ssl_certificate_key ', '# '],
  ]);
  return startProgram({
    command: debianProgram('nginx'),
    port,
    args: (directory) => ['-p', directory, '-c', writeMainConfig(directory, config)],
  });
}

/** What Debian has in nginx.conf, in a directory of its own and in the foreground. */
function writeMainConfig(directory: string, serverConfig: string): string {
  const file = join(directory, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  mkdirSync(join(directory, 'temporary'));
  writeFileSync(join(directory, 'app.conf'), serverConfig);
  writeFileSync(
    file,
    `
      daemon off;
      worker_processes 1;
      ${process.getuid?.() === 0 ? 'user root;' : ''}
      pid nginx.pid;
      error_log stderr warn;
      events {}
      http {
        access_log off;
        ${temporary.map((name) => `${name}_temp_path temporary/${name};`).join('\n')}
        include app.conf;
      }
    `,
  );
  return file;
}
