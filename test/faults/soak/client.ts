import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { credentialHeaders, send, type HttpRequest, type HttpResponse, type SoakWorker } from './http.ts';
import type { Cause, Ledger, TrackedSession } from './ledger.ts';

export interface SoakUser {
  readonly id: string;
  readonly username: string;
  readonly password: string;
}

export interface ClientOptions {
  readonly worker: SoakWorker;
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
  readonly user: SoakUser;
  readonly ipAddress: string;
}

/** Sooner than Retry-After asks for, yet clients must see more than outages. */
const PAUSE_AFTER_503_MS = 150;

/** A user with a browser and an app; the ledger keeps what it learns. */
export class SoakClient {
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
  readonly user: SoakUser;
  readonly #worker: SoakWorker;
  readonly #ipAddress: string;
  #sessions: TrackedSession[] = [];

  constructor({ worker, cloud, ledger, user, ipAddress }: ClientOptions) {
    this.cloud = cloud;
    this.ledger = ledger;
    this.user = user;
    this.#worker = worker;
    this.#ipAddress = ipAddress;
  }

  /** Its own sessions, without those that are known to be ended. */
  openSessions(): readonly TrackedSession[] {
    return (this.#sessions = this.#sessions.filter(({ endedAtMs }) => endedAtMs === null));
  }

  track(started: Pick<TrackedSession, 'id' | 'kind' | 'token' | 'csrfToken'>): void {
    const session = { ...started, userId: this.user.id, endedAtMs: null };
    this.ledger.started(session);
    this.#sessions.push(session);
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const response = await send(this.#worker, this.ledger, this.#ipAddress, request);
    if (response.status === 503) await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_503_MS));
    return response;
  }

  /** Sends a request with the credential of this session. */
  sendAs(session: TrackedSession, request: Omit<HttpRequest, 'headers'>): Promise<HttpResponse> {
    return this.send({ ...request, headers: credentialHeaders(session) });
  }

  /** Called before a request that may end sessions. */
  mayEnd(cause: Pick<Cause, 'reason' | 'target' | 'except'>): void {
    this.ledger.mayEnd({
      ...cause,
      userId: this.user.id,
      ipAddress: this.#ipAddress,
      sentAtMs: Date.now(),
    });
  }

  /** Records whether the session of a request was open. False: it was not, or the response doesn't say. */
  wasOpen(session: TrackedSession, { status, location, sentAtMs, receivedAtMs }: HttpResponse): boolean {
    if (status === 503) return false;
    const isRefused = status === 401 || location?.startsWith('/sign-in/') === true;
    if (isRefused) this.ledger.ended(session, receivedAtMs);
    else this.ledger.wasOpen(session, sentAtMs);
    return !isRefused;
  }

  async check(session: TrackedSession, onPage: boolean): Promise<void> {
    const response = await this.sendAs(session, {
      method: 'GET',
      path: onPage ? '/home/' : '/api/v1/sessions/current',
      expected: onPage ? [200, 302] : [200, 401],
    });
    this.wasOpen(session, response);
  }

  /** Public ids of the user's open sessions; none if this one is not open or there is no result. */
  async list(session: TrackedSession): Promise<string[]> {
    const response = await this.sendAs(session, {
      method: 'GET',
      path: '/api/v1/sessions',
      expected: [200, 401],
    });
    if (!this.wasOpen(session, response)) return [];
    const { sessions } = JSON.parse(response.body) as { sessions: { id: string; current: boolean }[] };
    const current = sessions.find((each) => each.current)?.id;
    if (current !== session.id) {
      this.ledger.violation(`a list marks ${current} as current, not ${session.id}`);
    }
    for (const { id } of sessions) {
      const listed = this.ledger.sessions.get(id);
      if (listed !== undefined) this.ledger.wasOpen(listed, response.sentAtMs);
    }
    return sessions.map(({ id }) => id);
  }
}
