import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import {
  describedApi,
  resolve,
  type ApiDescription,
  type ResponseDescription,
} from '../support/api-description.ts';
import { addUser, PASSWORD } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

// test/support/api.ts checks in each test that the responses are as described.

const environment = useTestEnvironment();

/** All routes of docs/api.md. */
const ROUTES = [
  'POST /sessions',
  'GET /sessions',
  'DELETE /sessions',
  'GET /sessions/current',
  'DELETE /sessions/current',
  'DELETE /sessions/{id}',
  'PUT /password',
  'GET /logouts',
  'GET /openapi.json',
  'GET /docs',
];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

let document: ApiDescription;
beforeAll(async () => {
  document = await describedApi(environment.worker.visitor());
});

test('is public, and served as JSON', async () => {
  const { status, headers, setCookies } = await new ApiCaller(environment.worker.visitor()).get(
    '/openapi.json',
  );
  expect({ status, setCookies }).toEqual({ status: 200, setCookies: [] });
  expect(headers.get('Content-Type')).toMatch(/^application\/json/);
});

test('is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document) as never);
  expect(errors ?? []).toEqual([]);
  expect({ valid, version: validator.version }).toEqual({ valid: true, version: '3.1' });
  expect(document.servers).toEqual([{ url: '/api/v1' }]);
});

test('describes every route', () => {
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual([...ROUTES].sort());
});

test('describes no route that is missing, and every method that is allowed', async () => {
  const anonymous = new ApiCaller(environment.worker.visitor());
  for (const [path, operations] of Object.entries(document.paths)) {
    const concrete = path.replace('{id}', '0'.repeat(26));
    const allowed: string[] = [];
    for (const method of METHODS) {
      const { status } = await anonymous.call(method, concrete);
      expect(status, `${method} ${path}`).not.toBe(404);
      if (status !== 405) allowed.push(method.toLowerCase());
    }
    expect(allowed.sort(), path).toEqual(Object.keys(operations).sort());
  }
});

test('every operation says who may call it, and describes its refusals as problems', () => {
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const place = `${method} ${path}`;
      const isPublic = ['/openapi.json', '/docs'].includes(path) || place === 'post /sessions';
      expect(operation.security?.length === 0, place).toBe(isPublic);
      for (const [status, response] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue;
        expect(resolve<ResponseDescription>(document, response).content, place).toHaveProperty([
          'application/problem+json',
        ]);
      }
    }
  }
});

describe('its request schemas accept what the service accepts', () => {
  test.each<[string, string, string, object]>([
    [
      'SignInBody',
      'POST',
      '/sessions',
      { username: 'ann', password: 'x', remember_me: true, device_name: 'd', device_token: 't' },
    ],
    ['PasswordBody', 'PUT', '/password', { current_password: PASSWORD, new_password: 'a new and long one' }],
  ])('%s', async (name, method, path, json) => {
    const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
      kind: 'bearer',
    });
    const { status } = await new ApiCaller(environment.worker.visitor(), token).call(method, path, { json });
    expect(status).not.toBe(400);
    const { properties, required } = document.components.schemas[name] as {
      properties: Record<string, unknown>;
      required: string[];
    };
    expect(Object.keys(properties).sort()).toEqual(Object.keys(json).sort());
    for (const field of required) {
      const rest = Object.fromEntries(Object.entries(json).filter(([name]) => name !== field));
      const response = await new ApiCaller(environment.worker.visitor(), token).call(method, path, {
        json: rest,
      });
      expect([400, 401]).toContain(response.status);
    }
  });
});
