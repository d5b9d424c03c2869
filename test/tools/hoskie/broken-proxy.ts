import { createServer, request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that is broken: what stands behind `target`, its answers' headers spoilt. Header names are in lower case. */
export async function startBrokenProxy(
  target: string,
  spoil: (headers: OutgoingHttpHeaders, asked: IncomingHttpHeaders) => void,
): Promise<{ origin: string; stop: () => Promise<void> }> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const onward = request({ hostname, port, path, method, headers }, (answer) => {
      const answered: OutgoingHttpHeaders = { ...answer.headers };
      spoil(answered, headers);
      outgoing.writeHead(answer.statusCode ?? 500, answered);
      answer.pipe(outgoing);
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
