import { request as httpRequest, type Agent } from 'node:http';
import type { ExpectedAnswer, LoadRequest } from './load.ts';

/** Sends one request; rejects when the answer is not the expected one. */
export function send(
  agent: Agent,
  port: number,
  { method, path, headers, body }: LoadRequest,
  expected: ExpectedAnswer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const request = httpRequest(
      { agent, host: '127.0.0.1', port, method, path, headers: { ...headers, ...length } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === expected.status && text.includes(expected.contains ?? '')) resolve();
          else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text.slice(0, 300)}`));
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
