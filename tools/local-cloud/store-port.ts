import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on a free port of 127.0.0.1 that can be closed and opened again on the same port. */
export class StorePort {
  readonly #server;
  #port = 0;

  constructor(handler: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#server = createServer((request, response) => {
      // Without a listener a broken connection would end the process.
      response.on('error', () => undefined);
      handler(request, response);
    });
    // A connection closed for idleness just as the client uses it again would look like an outage.
    this.#server.keepAliveTimeout = 0;
  }

  /** `127.0.0.1:port`, from the first open() on. */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens; does nothing if it does already. Rejects if the port is taken. */
  async open(): Promise<void> {
    if (this.#server.listening) return;
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection and stops listening: the system refuses new ones. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
