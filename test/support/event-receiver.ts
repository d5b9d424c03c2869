import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { VerificationKey } from '../../src/lib/signing-keys.ts';
import { verifiedAssertion } from './assertion.ts';
import { openServer } from './issuer.ts';

export type Respond = (response: ServerResponse) => unknown;

/** Responds with a status and nothing else. */
export const status =
  (code: number): Respond =>
  (response) =>
    response.writeHead(code).end();

export interface Push {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly authorization: string | undefined;
  readonly atMs: number;
}

/** Another system that events are pushed to. It keeps what it was sent, and responds as `respond` says, at first with 202. */
export interface TestReceiver extends AsyncDisposable {
  readonly name: string;
  /** For WEBHOOKS. */
  readonly setting: { name: string; url: string; token: string; events?: string[] };
  /** All that was pushed, whatever the response, oldest first. */
  readonly pushes: Push[];
  respond: Respond;
  /** Ids of the events that were pushed, each once. */
  jtis(): string[];
}

export async function openReceiver(
  name: string,
  keys: readonly VerificationKey[],
  events?: string[],
): Promise<TestReceiver> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { header, claims } = await verifiedAssertion(await text(request), keys);
    const { authorization } = request.headers;
    receiver.pushes.push({ header, claims, authorization, atMs: Date.now() });
    receiver.respond(response);
  };
  const server = await openServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  const url = `${server.origin}/events`;
  const receiver: TestReceiver = {
    name,
    setting: { name, url, token: `bearer-of-${name}`, ...(events !== undefined && { events }) },
    pushes: [],
    respond: status(202),
    jtis: () => [...new Set(receiver.pushes.map(({ claims }) => String(claims['jti'])))],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return receiver;
}
