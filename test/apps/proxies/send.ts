import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Sent {
  readonly method?: string;
  /** Sent as they are spelled; no others are added but Host and those of the body. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly location: string | null;
  readonly body: string;
}

/** One request with exactly this path, which no URL parser has changed, on a connection of its own. */
export async function send(origin: string, path: string, sent: Sent = {}): Promise<Reply> {
  const response = await sendForStream(origin, path, sent);
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(response.headersDistinct))
    for (const value of values) headers.append(name, value);
  const body = (await buffer(response)).toString();
  return { status: response.statusCode ?? 0, headers, location: headers.get('Location'), body };
}

/** Resolves when the response begins. */
export function sendForStream(origin: string, path: string, sent: Sent = {}): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body } = sent;
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': body.length };
    request({ hostname, port, path, method, headers: { ...length, ...headers }, agent: false }, resolve)
      .on('error', reject)
      .end(body);
  });
}
