import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** What the app saw of a request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  /** Names as they came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Also in the response, as JSON. */
export interface SeenWithBody extends Seen {
  readonly bodySha256: string;
}

export interface EchoApp {
  readonly port: number;
  /** Every request so far, those of WebSockets too. */
  readonly seen: readonly Seen[];
  /** Lets the responses of `/stream` end. */
  endStreams(): void;
  stop(): Promise<void>;
}

/**
 * An app that knows nothing of the service. It says what it saw of a request; `/stream` begins a response and waits,
 * `/own/401` and `/own/500` are errors of its own, `/own/302` leads elsewhere; WebSockets hear what was seen, then an echo.
 */
export async function startEchoApp(): Promise<EchoApp> {
  const seen: Seen[] = [];
  const streams: ServerResponse[] = [];
  const server = createServer((request, response) => {
    seen.push(describe(request));
    if (request.url === '/stream') {
      response.write('first\n');
      streams.push(response);
    } else if (request.url?.startsWith('/own/') === true) respondByItself(request.url, response);
    else void echo(request, response);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    seen.push(describe(request));
    socket.send(JSON.stringify(describe(request)));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endStreams = (): void => {
    for (const response of streams.splice(0)) response.end('last\n');
  };
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    endStreams,
    stop: async () => {
      endStreams();
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function describe({ method = '', url = '', rawHeaders }: IncomingMessage): Seen {
  const headers = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? ''] as const] : [],
  );
  return { method, url, headers };
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of request) hash.update(chunk as Buffer);
  const answer: SeenWithBody = { ...describe(request), bodySha256: hash.digest('hex') };
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(answer));
}

function respondByItself(url: string, response: ServerResponse): void {
  response.statusCode = Number(url.slice('/own/'.length));
  response.setHeader('WWW-Authenticate', 'Basic realm="the app"');
  response.setHeader('Location', '/elsewhere');
  response.end('the app’s own words');
}
