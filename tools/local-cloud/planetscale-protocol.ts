import {
  jsonResponse,
  type HttpRequest,
  type HttpResponse,
  type PreparedCall,
  type Protocol,
} from './exchange.ts';
import { isServerError, vitessError } from './vitess-error.ts';
import { SessionBusyError, type VitessSession, type VitessSessions } from './vitess-sessions.ts';

const METHOD_PREFIX = '/psdb.v1alpha1.Database/';

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
  readonly #options: PlanetScaleOptions;
  readonly #authorization: string;

  constructor(options: PlanetScaleOptions) {
    this.#options = options;
    this.#authorization = `Basic ${btoa(`${options.user}:${options.password}`)}`;
  }

  prepare(request: HttpRequest): PreparedCall {
    const { query, session } = parseBody(request.body);
    return {
      content: { store: 'mysql', sql: query ?? '' },
      carryOut: async () => {
        if (request.headers.authorization !== this.#authorization)
          return failure(401, 'unauthenticated', 'invalid auth credentials');
        const method = request.path.replace(METHOD_PREFIX, '');
        if (method === 'CreateSession') return this.#createSession();
        if (method !== 'Execute') return failure(404, 'unimplemented', 'no such method');
        if (query === null) return failure(400, 'invalid_argument', 'the body is not a query');
        return await this.#execute(query, session);
      },
    };
  }

  #createSession(): HttpResponse {
    const { sessions, user: username } = this.#options;
    return jsonResponse(200, { branch: 'main', user: { username }, session: sessions.create() });
  }

  async #execute(sql: string, given: VitessSession | null): Promise<HttpResponse> {
    const { sessions, database, user } = this.#options;
    const describe = (error: unknown) =>
      isServerError(error) ? vitessError(error, sql, database, user) : undefined;
    const startedAtMs = performance.now();
    try {
      const executed = await sessions.execute(sql, given);
      const timing = (performance.now() - startedAtMs) / 1_000;
      return jsonResponse(
        200,
        'error' in executed
          ? { session: executed.session, error: describe(executed.error), timing }
          : { ...executed, timing },
      );
    } catch (error) {
      if (error instanceof SessionBusyError) return failure(403, 'permission_denied', error.message);
      // For example too many connections: the server responds, but not to this statement.
      if (isServerError(error)) return jsonResponse(200, { session: given, error: describe(error) });
      return failure(503, 'UNAVAILABLE', 'the MySQL server cannot be reached');
    }
  }
}

function failure(status: number, code: string, message: string): HttpResponse {
  return jsonResponse(status, { error: { code, message } });
}

/** The query and session of a body, each null if it is missing or malformed. */
function parseBody(body: string): { query: string | null; session: VitessSession | null } {
  let value: { query?: unknown; session?: VitessSession | null } | null;
  try {
    value = JSON.parse(body) as typeof value;
  } catch {
    return { query: null, session: null };
  }
  const session = value?.session ?? null;
  return {
    query: typeof value?.query === 'string' ? value.query : null,
    session: typeof session?.vitessSession?.SessionUUID === 'string' ? session : null,
  };
}
