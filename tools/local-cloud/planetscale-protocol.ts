import type { HttpAnswer, HttpRequest, PreparedCall, Protocol } from './exchange.ts';
import { jsonAnswer } from './exchange.ts';
import { isServerError, vitessError } from './vitess-error.ts';
import { SessionBusyError, type VitessSession, type VitessSessions } from './vitess-sessions.ts';

/** Every path of PlanetScale's protocol begins with this. */
export const PLANETSCALE_PREFIX = '/psdb.v1alpha1.Database/';

export interface PlanetScaleOptions {
  sessions: VitessSessions;
  database: string;
  user: string;
  password: string;
}

/**
 * PlanetScale's HTTP protocol over one MySQL database: CreateSession and Execute.
 * https://github.com/planetscale/database-js
 */
export class PlanetScaleProtocol implements Protocol {
  readonly #sessions: VitessSessions;
  readonly #database: string;
  readonly #user: string;
  readonly #authorization: string;

  constructor({ sessions, database, user, password }: PlanetScaleOptions) {
    this.#sessions = sessions;
    this.#database = database;
    this.#user = user;
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
  }

  prepare(request: HttpRequest): PreparedCall {
    const asked = parseRequest(request.body);
    return {
      content: { store: 'mysql', sql: asked?.query ?? '' },
      carryOut: async () => {
        if (request.method !== 'POST') return failure(405, 'unimplemented', 'method not allowed');
        if (request.headers.authorization !== this.#authorization) {
          return failure(401, 'unauthenticated', 'invalid auth credentials');
        }
        switch (request.path) {
          case `${PLANETSCALE_PREFIX}CreateSession`:
            return jsonAnswer(200, {
              branch: 'main',
              user: { username: this.#user },
              session: this.#sessions.create(),
            });
          case `${PLANETSCALE_PREFIX}Execute`:
            if (asked === null || asked.query === null)
              return failure(400, 'invalid_argument', 'the body is not a query');
            return await this.#execute(asked.query, asked.session);
          default:
            return failure(404, 'unimplemented', 'no such method');
        }
      },
    };
  }

  async #execute(sql: string, session: VitessSession | null): Promise<HttpAnswer> {
    const startedAtMs = performance.now();
    try {
      const executed = await this.#sessions.execute(sql, session);
      const timing = (performance.now() - startedAtMs) / 1_000;
      if (executed.error === null) {
        return jsonAnswer(200, { session: executed.session, result: executed.result ?? {}, timing });
      }
      return jsonAnswer(200, {
        session: executed.session,
        error: this.#describe(executed.error, sql),
        timing,
      });
    } catch (error) {
      if (error instanceof SessionBusyError) return failure(403, 'permission_denied', error.message);
      // Too many connections, say: the server answers, but not to this statement.
      if (isServerError(error)) return jsonAnswer(200, { session, error: this.#describe(error, sql) });
      return failure(503, 'UNAVAILABLE', 'the MySQL server cannot be reached');
    }
  }

  #describe(error: unknown, sql: string): { code: string; message: string } {
    if (isServerError(error)) return vitessError(error, sql, this.#database, this.#user);
    return { code: 'UNKNOWN', message: 'unknown error' };
  }
}

function failure(status: number, code: string, message: string): HttpAnswer {
  return jsonAnswer(status, { error: { code, message } });
}

/** The query and session of a body; null where it is not such a body. A missing query is null, too (CreateSession). */
function parseRequest(body: string): { query: string | null; session: VitessSession | null } | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { query, session } = value as { query?: unknown; session?: unknown };
  return { query: typeof query === 'string' ? query : null, session: isSession(session) ? session : null };
}

function isSession(value: unknown): value is VitessSession {
  const inner = (value as VitessSession | null | undefined)?.vitessSession;
  return typeof inner?.SessionUUID === 'string';
}
