import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Headers;
  body: string;
}

const RAW_TIMEOUT_MS = 5000;

/**
 * Sends these very bytes, for requests that no client library would make. The connection is closed after the answer:
 * say `Connection: close`. Rejects where the answer is none that HTTP knows.
 */
export function sendRaw(origin: string, request: string | Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(new URL(origin).port), '127.0.0.1', () => socket.write(request));
    socket.setTimeout(RAW_TIMEOUT_MS, () => socket.destroy(new Error('There is no answer')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      try {
        resolve(parseAnswer(Buffer.concat(chunks).toString('utf8')));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** A request of HTTP/1.1 with exactly this target, to be sent as it is. */
export function rawRequest(
  origin: string,
  method: string,
  target: string,
  lines: readonly string[] = [],
  body = '',
): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${new URL(origin).host}`,
    'Connection: close',
    ...length,
    ...lines,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  if (!(status > 0)) throw new Error(`This is no answer: ${JSON.stringify(text.slice(0, 200))}`);
  const headers = new Headers();
  for (const line of lines) {
    const at = line.indexOf(':');
    headers.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  // Chunks are left as they came: the length lines between them are in nobody's way.
  return { status, headers, body: rest.join('\r\n\r\n') };
}
