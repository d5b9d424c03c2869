/** The two stores, as they are named in logs and in `/readyz`. */
export type StoreName = 'redis' | 'database';

/** What went wrong with a store, in our words: the vendor's text holds commands, SQL and addresses. */
export type StoreFault =
  | 'timeout'
  | 'unreachable'
  | 'refused'
  | 'protocol'
  /** The store refused a start that is out of date: the password changed meanwhile, or the sign-in was abandoned. */
  | 'superseded';

/** What a store said of an error, as far as it may leave its client: numbers, and Redis's error word such as `OOM`. */
export interface StoreErrorCode {
  /** MySQL's error number. */
  readonly errno?: number;
  /** Vitess's own code, such as `PERMISSION_DENIED`, if it blames the database. */
  readonly vitessCode?: string;
  readonly httpStatus?: number;
  readonly redisError?: string;
}

/** What is wrong with a field, for pages in other languages than English. */
export type Flaw = 'missing' | 'too_long' | 'too_short' | 'same_as_username' | 'too_common' | 'not_repeated';

/** A field of the request that is wrong, and how; the message, in English, is for people. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
  /** Absent: it is invalid in some other way. */
  readonly flaw?: Flaw;
  /** In characters, if it is too long or too short. */
  readonly limit?: number;
}

/** What an outage left in doubt. */
export type Unconfirmed = 'sign_out' | 'new_password' | 'password_change';

/** Everything that can go wrong with a request, by tag. `http/problems.ts` has the status, `http/problem-texts.ts` the words for each. */
export type Reason =
  | { readonly code: 'invalid_fields'; readonly errors: readonly FieldError[] }
  | { readonly code: 'malformed_body' }
  | { readonly code: 'unsupported_media_type'; readonly wanted: 'json' | 'form' }
  | { readonly code: 'body_too_large' }
  | { readonly code: 'bad_credentials' }
  | { readonly code: 'wrong_current_password' }
  | { readonly code: 'not_signed_in' }
  | {
      readonly code: 'csrf_failed';
      /** The browser sent none of our cookies, so it can't have had a token. */
      readonly noCookie?: boolean;
    }
  | { readonly code: 'foreign_origin' }
  /** A proxy didn't say what it asks about. */
  | { readonly code: 'original_url_missing' }
  /** A proxy asks for an app whose host isn't in ALLOWED_REDIRECT_HOSTS. */
  | { readonly code: 'unknown_host' }
  | { readonly code: 'not_found' }
  | { readonly code: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly code: 'throttled'; readonly retryAfterSeconds: number }
  /**
   * The store didn't reply in time. The command may have run, or may still run. The response is 503 and keeps the cookie;
   * this never means "signed out".
   */
  | {
      readonly code: 'store_unavailable';
      readonly store: StoreName;
      readonly fault: StoreFault;
      readonly unconfirmed?: Unconfirmed;
      /** Absent: the store said nothing. */
      readonly said?: StoreErrorCode;
    }
  /** Too many password checks are queued for this one to finish in time. */
  | { readonly code: 'overloaded' }
  | { readonly code: 'internal_error' };

/** The one error that this service throws on purpose; the app's error handler turns its reason into a response. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly reason: Reason;
  constructor(reason: Reason) {
    super(reason.code);
    this.reason = reason;
  }
}

export type StoreUnavailableError = ServiceError & {
  readonly reason: Extract<Reason, { code: 'store_unavailable' }>;
};

export const storeUnavailable = (
  store: StoreName,
  fault: StoreFault,
  unconfirmed?: Unconfirmed,
  said?: StoreErrorCode,
): StoreUnavailableError =>
  new ServiceError({
    code: 'store_unavailable',
    store,
    fault,
    ...(unconfirmed === undefined ? {} : { unconfirmed }),
    ...(said === undefined ? {} : { said }),
  }) as StoreUnavailableError;

export const isStoreUnavailable = (error: unknown): error is StoreUnavailableError =>
  error instanceof ServiceError && error.reason.code === 'store_unavailable';

export const isCsrfFailure = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && error.reason.code === 'csrf_failed';
