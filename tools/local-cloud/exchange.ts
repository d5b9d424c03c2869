import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, CallContent, StoreName } from './calls.ts';
import { nowMs } from './clock.ts';
import type { Faults, InjectedFault } from './faults.ts';

export interface HttpRequest {
  method: string;
  /** The path without the query. */
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface HttpResponse {
  status: number;
  body: string;
  headers: Record<string, string>;
}

/** A request that was read but not yet carried out. */
export interface PreparedCall {
  content: CallContent;
  /** Does the work; never rejects: a failure becomes a response. */
  carryOut(): Promise<HttpResponse>;
}

/** One store's protocol. */
export interface Protocol {
  prepare(request: HttpRequest): PreparedCall;
}

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): HttpResponse {
  return { status, body: JSON.stringify(value), headers: { ...headers, 'content-type': 'application/json' } };
}

/** Takes requests through the faults to the protocols and keeps the log of calls. */
export class Exchange {
  readonly calls: Call[] = [];
  readonly #protocols: Record<StoreName, Protocol>;
  readonly #faults: Faults;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor(protocols: Record<StoreName, Protocol>, faults: Faults) {
    this.#protocols = protocols;
    this.#faults = faults;
  }

  /** Resolves when no request is under way, late work included. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Ends every delay and hang without doing its work. */
  stop(): void {
    this.#stopping.abort();
  }

  handle(store: StoreName, request: IncomingMessage, response: ServerResponse): void {
    const work = this.#handle(store, request, response)
      // The client broke off in the middle of its request: there is nothing to do.
      .catch(() => void response.destroy())
      .finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #handle(store: StoreName, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAtMs = nowMs();
    const { method = 'GET', url = '/', headers } = request;
    const { pathname: path } = new URL(url, 'http://local');
    const call = this.#protocols[store].prepare({ method, path, headers, body: await text(request) });
    const injected = this.#faults.next(call.content);
    const result = injected === null ? await call.carryOut() : await this.#fail(call, injected, response);
    this.calls.push({
      ...call.content,
      startedAtMs,
      endedAtMs: nowMs(),
      status: result === null || response.destroyed ? null : result.status,
      fault: injected?.fault.kind ?? null,
    });
    if (result === null) response.destroy();
    else send(response, result);
  }

  /** What a fault makes of a call: the response to send, or null to break the connection. */
  async #fail(
    call: PreparedCall,
    { fault, cleared }: InjectedFault,
    response: ServerResponse,
  ): Promise<HttpResponse | null> {
    const stopping = this.#stopping.signal;
    const gone = closeSignal(response);
    switch (fault.kind) {
      case 'refuse':
        return null;
      case 'hang':
        await aborted(AbortSignal.any([cleared, stopping, gone]));
        return stopping.aborted || gone.aborted ? null : await call.carryOut();
      case 'status':
        return {
          status: fault.status,
          body: fault.body ?? JSON.stringify({ error: `status ${fault.status}` }),
          headers: { 'content-type': fault.contentType ?? 'application/json' },
        };
      case 'delay':
        return (await slept(fault.ms, AbortSignal.any([stopping, gone]))) ? await call.carryOut() : null;
      case 'lose-answer':
        await call.carryOut();
        return null;
      case 'late':
        if (await slept(fault.ms, stopping)) await call.carryOut();
        return null;
    }
  }
}

function send(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

/** Aborts when the connection of this response closes. */
function closeSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  else response.once('close', () => controller.abort());
  return controller.signal;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** Waits; false as soon as the signal aborts. */
function slept(ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal }).catch(() => false);
}
