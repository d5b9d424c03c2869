import { createServer, request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A broken service: a proxy to `target`, which may depend on the request, that spoils the response headers. Names of
 * headers are in lower case.
 */
export async function startBrokenProxy(
  target: string | ((received: IncomingHttpHeaders) => string),
  spoil: (headers: OutgoingHttpHeaders, received: IncomingHttpHeaders) => void,
): Promise<{ origin: string; stop: () => Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const { hostname, port } = new URL(typeof target === 'string' ? target : target(headers));
    const onward = request({ hostname, port, path, method, headers }, (response) => {
      const sent: OutgoingHttpHeaders = { ...response.headers };
      spoil(sent, headers);
      outgoing.writeHead(response.statusCode ?? 500, sent);
      response.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
