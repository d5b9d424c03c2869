import * as z from 'zod/mini';
import packageJson from '../package.json' with { type: 'json' };
import {
  currentResponse,
  logoutsResponse,
  passwordResponse,
  problemResponse,
  receiptResponse,
  sessionsResponse,
  signInResponse,
} from '../src/http/response-schemas.ts';
import { logoutsQuery, passwordBody, revokeQuery, signInBody } from '../src/api/request-schemas.ts';

// The OpenAPI 3.1 description of /api/v1, made from the schemas that validate. OpenAPI 3.1 takes JSON Schema as it is.

type JsonSchema = Record<string, unknown>;

const schemaOf = (schema: z.ZodMiniType, io: 'input' | 'output'): JsonSchema => {
  const json = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  // The document's version says it once for all.
  delete json['$schema'];
  return json;
};

const RESPONSES = {
  SignIn: signInResponse,
  Current: currentResponse,
  Sessions: sessionsResponse,
  Receipt: receiptResponse,
  PasswordReceipt: passwordResponse,
  Logouts: logoutsResponse,
  Problem: problemResponse,
};

const BODIES = { SignInBody: signInBody, PasswordBody: passwordBody };

const refTo = (name: keyof typeof RESPONSES | keyof typeof BODIES) => ({
  $ref: `#/components/schemas/${name}`,
});

const response = (description: string, name: keyof typeof RESPONSES) => ({
  description,
  content: { 'application/json': { schema: refTo(name) } },
});

const PROBLEMS: Record<number, string> = {
  400: 'Bad input: code invalid_fields (with errors) or malformed_body',
  401: 'No valid session, or wrong credentials: code not_signed_in, bad_credentials or wrong_current_password',
  403: 'A cookie without its CSRF token, or another site: code csrf_failed or foreign_origin',
  404: "Unknown, or another user's: code not_found",
  413: 'A body larger than 64 KiB: code body_too_large',
  415: 'Not application/json: code unsupported_media_type',
  429: 'Too many failures: code throttled, with Retry-After',
  503: 'A store is unavailable, or too many sign-ins at once: code store_unavailable or overloaded, with Retry-After. Never means "signed out"',
};

const problems = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: PROBLEMS[status],
        content: { 'application/problem+json': { schema: refTo('Problem') } },
      },
    ]),
  );

const body = (name: keyof typeof BODIES) => ({
  required: true,
  content: { 'application/json': { schema: refTo(name) } },
});

/** The query parameters of an object schema. */
function queryOf(schema: typeof revokeQuery | typeof logoutsQuery, descriptions: Record<string, string>) {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, each]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description: descriptions[name],
    schema: each,
  }));
}

/** Either channel; with a cookie, a request that changes something needs the CSRF token as well. */
const SIGNED_IN = [{ bearer: [] }, { cookie: [] }];
const SIGNED_IN_TO_CHANGE = [{ bearer: [] }, { cookie: [], csrf: [] }];

export function openApiDocument() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Cloud Hoskie',
      version: packageJson.version,
      summary: 'Sign in, list and end sessions.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api/v1' }],
    paths: {
      '/sessions': {
        post: {
          operationId: 'signIn',
          summary: 'Sign in; returns a bearer token',
          security: [],
          requestBody: body('SignInBody'),
          responses: { 201: response('Signed in', 'SignIn'), ...problems(400, 401, 413, 415, 429, 503) },
        },
        get: {
          operationId: 'listSessions',
          summary: 'All open sessions of this user, newest first',
          security: SIGNED_IN,
          responses: { 200: response('The sessions', 'Sessions'), ...problems(401, 503) },
        },
        delete: {
          operationId: 'revokeSessions',
          summary: 'Sign out everywhere else, or everywhere',
          security: SIGNED_IN_TO_CHANGE,
          parameters: queryOf(revokeQuery, { scope: 'others: all but this one; all: this one too' }),
          responses: { 200: response('Ended', 'Receipt'), ...problems(400, 401, 403, 503) },
        },
      },
      '/sessions/current': {
        get: {
          operationId: 'currentSession',
          summary: 'Who is this?',
          security: SIGNED_IN,
          responses: { 200: response('A valid session', 'Current'), ...problems(401, 503) },
        },
        delete: {
          operationId: 'signOut',
          summary: 'Sign out; a session that has already ended is no error',
          security: SIGNED_IN_TO_CHANGE,
          responses: { 200: response('Ended', 'Receipt'), ...problems(401, 403, 503) },
        },
      },
      '/sessions/{id}': {
        delete: {
          operationId: 'revokeSession',
          summary: 'Sign out one device',
          security: SIGNED_IN_TO_CHANGE,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: { 200: response('Ended', 'Receipt'), ...problems(401, 403, 404, 503) },
        },
      },
      '/password': {
        put: {
          operationId: 'changePassword',
          summary: 'Change the password; ends all other sessions and renews this one',
          security: SIGNED_IN_TO_CHANGE,
          requestBody: body('PasswordBody'),
          responses: {
            200: response('Changed', 'PasswordReceipt'),
            ...problems(400, 401, 403, 413, 415, 429, 503),
          },
        },
      },
      '/logouts': {
        get: {
          operationId: 'listLogouts',
          summary: "The user's own sign-outs, newest first; may lag a receipt for a moment",
          security: SIGNED_IN,
          parameters: queryOf(logoutsQuery, {
            limit: '1 to 100, default 20',
            before: 'next_before of the previous page',
          }),
          responses: { 200: response('A page of sign-outs', 'Logouts'), ...problems(400, 401, 503) },
        },
      },
      '/openapi.json': {
        get: {
          operationId: 'openApi',
          summary: 'This description',
          security: [],
          responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': {} } } },
        },
      },
    },
    components: {
      schemas: {
        ...Object.fromEntries(
          Object.entries(RESPONSES).map(([name, each]) => [name, schemaOf(each, 'output')]),
        ),
        ...Object.fromEntries(Object.entries(BODIES).map(([name, each]) => [name, schemaOf(each, 'input')])),
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'sessionid' },
        csrf: { type: 'apiKey', in: 'header', name: 'X-CSRFToken' },
      },
    },
  };
}
