import express from 'express';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { hoskie, type HoskieOptions } from '../../packages/client/src/hoskie.ts';
import { openServer, type LocalServer } from './issuer.ts';

/** An Express app in which everything but /public is protected; it responds with the user and the session. */
export function openExpress(options: HoskieOptions): Promise<LocalServer> {
  const app = express();
  app.get('/public', (_, response) => void response.send('public'));
  app.use(hoskie(options));
  app.use((request, response) => {
    const { user, sessionId } = request as unknown as Record<string, unknown>;
    response.json({ user, sessionId });
  });
  return openServer(app);
}

/** A request with exactly these headers: `fetch` sets Sec-Fetch-Mode itself and refuses Host and Upgrade. */
export function send(url: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers }, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((body) => resolve({ status, headers, body }), reject);
    });
    outgoing.on('error', reject).end();
  });
}
