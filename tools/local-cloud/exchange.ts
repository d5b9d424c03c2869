import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Call, CallContent, StoreName } from './calls.ts';
import { nowMs, sleep } from './clock.ts';
import type { Faults, Strike } from './faults.ts';

/** Bodies above this are refused; Upstash's own limit for a request is 1 MB to 100 MB, depending on the plan. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface HttpRequest {
  method: string;
  /** The path without the query. */
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface HttpAnswer {
  status: number;
  body: string;
  contentType?: string;
  headers?: Record<string, string>;
}

/** A request that was read and not yet carried out. */
export interface PreparedCall {
  content: CallContent;
  /** Does the work; never rejects: what fails becomes an answer. */
  carryOut(): Promise<HttpAnswer>;
}

/** One store's protocol. */
export interface Protocol {
  prepare(request: HttpRequest): PreparedCall;
}

/** A JSON answer. */
export function jsonAnswer(status: number, value: unknown, headers?: Record<string, string>): HttpAnswer {
  const answer: HttpAnswer = { status, body: JSON.stringify(value) };
  return headers === undefined ? answer : { ...answer, headers };
}

/** Takes requests through faults to the protocols and keeps the log of calls. */
export class Exchange {
  readonly calls: Call[] = [];
  readonly #protocols: Record<StoreName, Protocol>;
  readonly #faults: Faults;
  readonly #stopped = new AbortController();
  #underWay = 0;
  #waiting: (() => void)[] = [];

  constructor(protocols: Record<StoreName, Protocol>, faults: Faults) {
    this.#protocols = protocols;
    this.#faults = faults;
  }

  /** Resolves when no request is under way, late work included. */
  settled(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ends every delay and hang without doing its work. */
  stop(): void {
    this.#stopped.abort();
  }

  async handle(store: StoreName, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAtMs = nowMs();
    this.#underWay += 1;
    try {
      const body = await readBody(request);
      if (body === null) {
        send(response, jsonAnswer(413, { error: 'request too large' }));
        return;
      }
      const path = new URL(request.url ?? '/', 'http://local').pathname;
      const prepared = this.#protocols[store].prepare({
        method: request.method ?? 'GET',
        path,
        headers: request.headers,
        body,
      });
      const strike = this.#faults.take(prepared.content);
      const answer = await this.#perform(prepared, strike, response);
      const status = answer === null || response.destroyed ? null : answer.status;
      this.calls.push({
        ...prepared.content,
        startedAtMs,
        endedAtMs: nowMs(),
        status,
        fault: strike?.fault.kind ?? null,
      });
      if (answer === null) response.destroy();
      else send(response, answer);
    } catch {
      // The client broke off in the middle of its request: there is nothing to do and nobody to tell.
      response.destroy();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) {
        for (const resolve of this.#waiting.splice(0)) resolve();
      }
    }
  }

  /** The answer to send; null to break the connection. */
  async #perform(
    prepared: PreparedCall,
    strike: Strike | null,
    response: ServerResponse,
  ): Promise<HttpAnswer | null> {
    if (strike === null) return await prepared.carryOut();
    const { fault, cleared } = strike;
    const stopped = this.#stopped.signal;
    switch (fault.kind) {
      case 'refuse':
        return null;
      case 'hang': {
        const gone = closing(response);
        await aborted(AbortSignal.any([cleared, stopped, gone]));
        return cleared.aborted && !stopped.aborted && !gone.aborted ? await prepared.carryOut() : null;
      }
      case 'status':
        return {
          status: fault.status,
          body: fault.body ?? JSON.stringify({ error: `status ${fault.status}` }),
          contentType: fault.contentType ?? 'application/json',
        };
      case 'delay': {
        const waited = await sleep(fault.ms, AbortSignal.any([stopped, closing(response)]));
        return waited ? await prepared.carryOut() : null;
      }
      case 'lose-answer':
        await prepared.carryOut();
        return null;
      case 'late':
        if (await sleep(fault.ms, stopped)) await prepared.carryOut();
        return null;
    }
  }
}

/** Aborts when the connection of this answer closes. */
function closing(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  else response.once('close', () => controller.abort());
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The whole body as text, or null when it is too large. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, answer: HttpAnswer): void {
  if (response.destroyed) return;
  const body = Buffer.from(answer.body, 'utf8');
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-type': answer.contentType ?? 'application/json',
    'content-length': body.length,
  });
  response.end(body);
}
