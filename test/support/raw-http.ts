import { connect } from 'node:net';

export interface RawResponse {
  status: number;
  headers: Headers;
  body: string;
}

const RAW_TIMEOUT_MS = 5000;

/**
 * Sends exactly these bytes, for requests that no client library would make. Include `Connection: close`: the response
 * ends with the connection. Rejects if the response is not HTTP.
 */
export function sendRaw(origin: string, request: string | Uint8Array): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(new URL(origin).port), '127.0.0.1', () => socket.write(request));
    socket.setTimeout(RAW_TIMEOUT_MS, () => socket.destroy(new Error('no response')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      try {
        resolve(parseResponse(Buffer.concat(chunks).toString('utf8')));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** The bytes of an HTTP/1.1 request with exactly this target. */
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

function parseResponse(text: string): RawResponse {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  if (!(status > 0)) throw new Error(`not an HTTP response: ${JSON.stringify(text.slice(0, 200))}`);
  const headers = new Headers();
  for (const line of lines) {
    const at = line.indexOf(':');
    headers.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  // Chunked bodies keep their length lines, which no test minds.
  return { status, headers, body: rest.join('\r\n\r\n') };
}
