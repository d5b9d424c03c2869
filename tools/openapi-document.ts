import packageJson from '../package.json' with { type: 'json' };
import { PATHS } from './openapi/operations.ts';
import { HEADERS, problemResponses } from './openapi/responses.ts';
import { componentSchemas } from './openapi/schemas.ts';

const DESCRIPTION = [
  'Send the bearer token that a sign-in returned, or the session cookie of the pages. With the cookie, a request that changes something also needs the header `X-CSRFToken`, with the value of the cookie `csrftoken`. If a request has both, the bearer token counts.',
  'Bodies are `application/json`, up to 64 KiB. Times are RFC 3339 in UTC, ids are text. Requests over http are redirected to https (308).',
  'Errors are `application/problem+json` (RFC 9457): decide by `code`. Later versions may add members to any response: ignore those that you do not know.',
].join('\n\n');

/** The OpenAPI 3.1 description of /api/v1. */
export const openApiDocument = () => ({
  openapi: '3.1.0',
  info: {
    title: 'Cloud Hoskie',
    version: packageJson.version,
    summary: 'Sign in, list and end sessions.',
    description: DESCRIPTION,
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/api/v1' }],
  tags: [
    { name: 'Sessions', description: 'Sign in, see where you are signed in, sign out' },
    { name: 'Password', description: 'Change the password' },
    { name: 'Sign-outs', description: 'The sessions that ended, and why' },
    { name: 'Description', description: 'What you are reading' },
  ],
  paths: PATHS,
  components: {
    schemas: componentSchemas(),
    responses: problemResponses(),
    headers: HEADERS,
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description: 'The `token` of a sign-in: `Authorization: Bearer TOKEN`',
      },
      cookie: {
        type: 'apiKey',
        in: 'cookie',
        name: 'sessionid',
        description: 'The session cookie of the pages. Its name is the setting `SESSION_COOKIE_NAME`',
      },
      csrf: {
        type: 'apiKey',
        in: 'header',
        name: 'X-CSRFToken',
        description:
          'The value of the cookie `csrftoken` (setting `CSRF_COOKIE_NAME`), or that of the response header of this name',
      },
    },
  },
});
