import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** An HTTP server on 127.0.0.1 that can be closed and opened again on its port. */
export class Listener {
  readonly #handler: RequestHandler;
  #server: Server | null = null;
  /** Set from open() to close(). */
  #opening: Promise<void> | null = null;
  #port: number;

  /** Port 0 takes a free one when it opens, and keeps it. */
  constructor(port: number, handler: RequestHandler) {
    this.#port = port;
    this.#handler = handler;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; does nothing when it does already. Rejects where the port is taken. */
  open(): Promise<void> {
    this.#opening ??= this.#listen().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /** Breaks every connection and stops listening: new ones are refused by the system. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    this.#opening = null;
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async #listen(): Promise<void> {
    const server = createServer((request, response) => {
      // Without a listener a broken connection would end the process.
      response.on('error', () => undefined);
      void this.#handler(request, response);
    });
    // A connection closed for idleness just as the client uses it again would look like an outage.
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    this.#server = server;
  }
}
