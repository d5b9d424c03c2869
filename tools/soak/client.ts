import type { CloudProxy } from '../local-cloud/proxy.ts';
import { hashToken, type Token } from '../../src/session/token.ts';
import { send, type HttpAnswer, type HttpRequest, type SoakWorker } from './http.ts';
import { ALL_SESSIONS, type Ledger, type ReceiptLine, type TrackedSession } from './ledger.ts';
import type { Random } from './random.ts';
import type { Turnstile } from './turnstile.ts';

export interface SoakUser {
  readonly id: string;
  readonly username: string;
  readonly password: string;
}

export interface ClientOptions {
  readonly worker: SoakWorker;
  readonly cloud: CloudProxy;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly user: SoakUser;
  readonly ipAddress: string;
  /** All clients' sign-ins go through it. */
  readonly signIns: Turnstile;
}

/** Open sessions that one client keeps at once. */
const SESSIONS_KEPT = 3;
const PAUSE_AFTER_503_MS = [50, 250] as const;

/** A person with a browser and an app, who signs in and out and looks around, never waiting for anything. */
export class SoakClient {
  readonly #options: ClientOptions;
  #held: TrackedSession[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Does one thing. */
  async step(): Promise<void> {
    const { random } = this.#options;
    this.#held = this.#held.filter(({ endedAtMs }) => endedAtMs === null);
    if (this.#held.length === 0) return this.#signIn(null);
    const session = random.pick(this.#held);
    const isFull = this.#held.length >= SESSIONS_KEPT;
    const deed = random.weighted({
      check: 40,
      list: 10,
      leave: 14,
      revokeOne: 8,
      revokeOthers: 4,
      revokeAll: 3,
      signIn: isFull ? 0 : 12,
      replace: session.kind === 'cookie' ? 5 : 0,
    });
    switch (deed) {
      case 'check':
        return this.#check(session);
      case 'list':
        await this.#list(session);
        return;
      case 'leave':
        return this.#leave(session);
      case 'revokeOne':
        return this.#revokeOne(session);
      case 'revokeOthers':
        return this.#revokeMany(session, 'others');
      case 'revokeAll':
        return this.#revokeMany(session, 'all');
      case 'signIn':
        return this.#signIn(null);
      case 'replace':
        return this.#signIn(session);
    }
  }

  async #send(request: HttpRequest): Promise<HttpAnswer> {
    const { worker, ledger, ipAddress, random } = this.#options;
    const answer = await send(worker, ledger, ipAddress, request);
    // Sooner than Retry-After asks for, and not so soon that an outage is all that is ever seen.
    if (answer.status === 503) {
      const pauseMs = random.between(...PAUSE_AFTER_503_MS);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return answer;
  }

  #mayEnd(cause: {
    reason: Parameters<Ledger['mayEnd']>[0]['reason'];
    target: string;
    except?: string;
  }): void {
    const { ledger, user, ipAddress } = this.#options;
    ledger.mayEnd({ ...cause, userId: user.id, ipAddress, beganAtMs: Date.now() });
  }

  #signIn(replaced: TrackedSession | null): Promise<void> {
    return this.#options.signIns.pass(() => this.#begin(replaced));
  }

  async #begin(replaced: TrackedSession | null): Promise<void> {
    const { random, user, ledger } = this.#options;
    const { username, password } = user;
    // Beyond the limit of sessions the oldest end.
    this.#mayEnd({ reason: 'evicted', target: ALL_SESSIONS });
    if (replaced === null && random.chance(0.5)) {
      const answer = await this.#send({
        method: 'POST',
        path: '/api/v1/sessions',
        json: { username, password },
        expected: [201],
      });
      if (answer.status !== 201) return ledger.notBegan(user.id);
      const { token, session } = JSON.parse(answer.body) as { token: string; session: { id: string } };
      return this.#hold({ id: session.id, kind: 'bearer', token, csrfToken: '' });
    }
    let csrfToken = replaced?.csrfToken;
    if (csrfToken === undefined) {
      const page = await this.#send({ method: 'GET', path: '/sign-in/', expected: [200] });
      csrfToken = page.cookies.get('csrftoken') ?? '';
    } else this.#mayEnd({ reason: 'replaced', target: replaced!.id });
    const answer = await this.#send({
      method: 'POST',
      path: '/sign-in/',
      headers: {
        'X-CSRFToken': csrfToken,
        Cookie: `csrftoken=${csrfToken}${replaced === null ? '' : `; sessionid=${replaced.token}`}`,
      },
      form: { username, password },
      expected: [303],
    });
    if (answer.status !== 303) return ledger.notBegan(user.id);
    const token = answer.cookies.get('sessionid') ?? '';
    if (replaced !== null) {
      ledger.ended(replaced, answer.answeredAtMs);
      ledger.count('sessions replaced');
    }
    await this.#hold({
      id: await this.#sessionIdOf(token),
      kind: 'cookie',
      token,
      csrfToken: answer.cookies.get('csrftoken') ?? '',
    });
  }

  async #hold(began: Pick<TrackedSession, 'id' | 'kind' | 'token' | 'csrfToken'>): Promise<void> {
    const session = { ...began, userId: this.#options.user.id, endedAtMs: null };
    this.#options.ledger.began(session);
    this.#held.push(session);
  }

  /** A page does not tell the id: it is read from the store, where a session and what is left of one both have it. */
  async #sessionIdOf(token: string): Promise<string> {
    const { cloud, ledger } = this.#options;
    const record = await cloud.redis.get(`session:${hashToken(token as Token)}`);
    const id = (JSON.parse(record ?? '[]') as unknown[])[1];
    if (typeof id === 'string') return id;
    ledger.breach('a sign-in was confirmed, and there is no record of its session');
    return crypto.randomUUID();
  }

  #credentials(session: TrackedSession): Record<string, string> {
    return session.kind === 'bearer'
      ? { Authorization: `Bearer ${session.token}` }
      : {
          Cookie: `sessionid=${session.token}; csrftoken=${session.csrfToken}`,
          'X-CSRFToken': session.csrfToken,
          Origin: 'https://login.example.org',
        };
  }

  /** Keeps the books on a session that was used: open, or refused. False: it is not open, or nobody knows. */
  #judge(session: TrackedSession, answer: HttpAnswer): boolean {
    const { ledger } = this.#options;
    if (answer.status === 503) return false;
    const isRefused = answer.status === 401 || answer.location?.startsWith('/sign-in/') === true;
    if (isRefused) ledger.ended(session, answer.answeredAtMs);
    else ledger.answered(session, answer.sentAtMs);
    return !isRefused;
  }

  async #check(session: TrackedSession): Promise<void> {
    const headers = this.#credentials(session);
    const isPage = session.kind === 'cookie' && this.#options.random.chance(0.5);
    const answer = await this.#send({
      method: 'GET',
      path: isPage ? '/home/' : '/api/v1/sessions/current',
      headers,
      expected: isPage ? [200, 302] : [200, 401],
    });
    this.#judge(session, answer);
  }

  async #list(session: TrackedSession): Promise<string[]> {
    const headers = this.#credentials(session);
    const answer = await this.#send({
      method: 'GET',
      path: '/api/v1/sessions',
      headers,
      expected: [200, 401],
    });
    if (!this.#judge(session, answer)) return [];
    const { sessions } = JSON.parse(answer.body) as { sessions: { id: string; current: boolean }[] };
    const ids = sessions.map(({ id }) => id);
    const own = sessions.find(({ current }) => current)?.id;
    if (own !== session.id) this.#options.ledger.breach(`a list calls ${own} the session ${session.id}`);
    for (const id of ids) {
      const listed = this.#options.ledger.sessions.get(id);
      if (listed !== undefined) this.#options.ledger.answered(listed, answer.sentAtMs);
    }
    return ids;
  }

  async #leave(session: TrackedSession): Promise<void> {
    const { ledger, random } = this.#options;
    this.#mayEnd({ reason: 'logout', target: session.id });
    const isPage = session.kind === 'cookie' && random.chance(0.7);
    const answer = await this.#send({
      method: isPage ? 'POST' : 'DELETE',
      path: isPage ? '/logout/' : '/api/v1/sessions/current',
      headers: this.#credentials(session),
      expected: isPage ? [303] : [200],
    });
    if (answer.status === 503) return ledger.count('sign-outs not confirmed');
    ledger.count('sign-outs confirmed');
    ledger.ended(session, answer.answeredAtMs);
    if (!isPage) this.#readReceipt(answer);
    if (session.kind === 'cookie' && answer.cookies.get('sessionid') !== '') {
      ledger.breach('a confirmed sign-out leaves the cookie where it is');
    }
  }

  async #revokeOne(session: TrackedSession): Promise<void> {
    const { random, ledger } = this.#options;
    const others = (await this.#list(session)).filter((id) => id !== session.id);
    if (others.length === 0) return;
    const target = random.pick(others);
    this.#mayEnd({ reason: 'revoked', target });
    const isPage = session.kind === 'cookie' && random.chance(0.5);
    const answer = isPage
      ? await this.#send({
          method: 'POST',
          path: '/sessions/revoke/',
          headers: this.#credentials(session),
          form: { id: target },
          expected: [303, 404],
        })
      : await this.#send({
          method: 'DELETE',
          path: `/api/v1/sessions/${target}`,
          headers: this.#credentials(session),
          expected: [200, 401, 404],
        });
    if (answer.status === 503) return ledger.count('revokes not confirmed');
    if (!this.#judge(session, answer)) return;
    // Gone already is gone as well.
    const tracked = ledger.sessions.get(target);
    if (tracked !== undefined) ledger.ended(tracked, answer.answeredAtMs);
    if (answer.status === 404) return;
    ledger.count('revokes confirmed');
    if (!isPage) this.#readReceipt(answer);
  }

  async #revokeMany(session: TrackedSession, scope: 'others' | 'all'): Promise<void> {
    const { ledger, random, user } = this.#options;
    const knownBefore = new Set(ledger.sessions.keys());
    if (scope === 'all') this.#mayEnd({ reason: 'logout_all', target: ALL_SESSIONS });
    else this.#mayEnd({ reason: 'logout_others', target: ALL_SESSIONS, except: session.id });
    const isPage = session.kind === 'cookie' && random.chance(0.5);
    const answer = isPage
      ? await this.#send({
          method: 'POST',
          path: '/sessions/revoke/',
          headers: this.#credentials(session),
          form: { scope },
          expected: [303],
        })
      : await this.#send({
          method: 'DELETE',
          path: `/api/v1/sessions?scope=${scope}`,
          headers: this.#credentials(session),
          expected: [200, 401],
        });
    if (answer.status === 503) return ledger.count('revokes not confirmed');
    if (!this.#judge(session, answer)) return;
    ledger.count('revokes confirmed');
    for (const other of ledger.othersOf(user.id, session.id, knownBefore))
      ledger.ended(other, answer.answeredAtMs);
    if (scope === 'all') ledger.ended(session, answer.answeredAtMs);
    if (!isPage) this.#readReceipt(answer);
  }

  #readReceipt(answer: HttpAnswer): void {
    const { ledger } = this.#options;
    const { revoked, logouts } = JSON.parse(answer.body) as { revoked: number; logouts: ReceiptLine[] };
    if (revoked !== logouts.length) ledger.breach(`a receipt says ${revoked} and lists ${logouts.length}`);
    ledger.receipt(logouts, answer.answeredAtMs);
  }
}
