import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import {
  describedApi,
  resolve,
  schemaErrors,
  validatorOf,
  type ApiDescription,
  type JsonSchema,
  type MediaTypeDescription,
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

/** All objects in the document, with the path to each. */
function* objectsIn(value: unknown, path = '#'): Generator<[string, JsonSchema]> {
  if (typeof value !== 'object' || value === null) return;
  yield [path, value as JsonSchema];
  for (const [name, each] of Object.entries(value)) yield* objectsIn(each, `${path}/${name}`);
}

test('its examples have the members that their schemas have, and no others', () => {
  const ajv = validatorOf(document);
  let count = 0;
  for (const [path, each] of objectsIn(document)) {
    if (each['schema'] === undefined) continue;
    const { schema, example, examples = {} } = each as unknown as MediaTypeDescription;
    const values = Object.values(examples).map(({ value }) => value);
    for (const value of example === undefined ? values : [example]) {
      count += 1;
      expect(schemaErrors(ajv, schema, value), path).toEqual([]);
    }
  }
  expect(count).toBeGreaterThan(20);
});

test('clients may send less, and must accept more', () => {
  const { schemas } = document.components;
  expect(schemas['SignInBody']?.['required']).toEqual(['username', 'password']);
  expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Session', 'User', 'Receipt', 'Problem']));
  for (const [path, schema] of objectsIn(schemas)) {
    expect(schema, path).not.toHaveProperty('additionalProperties');
    // Generators make a field with a default a required one.
    expect(schema, path).not.toHaveProperty('default');
    for (const bound of ['minimum', 'maximum'])
      expect(Math.abs(Number(schema[bound] ?? 0)), path).toBeLessThanOrEqual(599);
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

describe('its limits are those of the service', () => {
  const app = async () => {
    const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
      kind: 'bearer',
    });
    return new ApiCaller(environment.worker.visitor(), token);
  };
  const namesIn = ({ errors = [] }: { errors?: { field: string }[] }) => errors.map(({ field }) => field);

  test.each([
    [
      'SignInBody',
      'POST',
      '/sessions',
      { username: 'ann', password: 'x', device_name: 'd', device_token: 't' },
    ],
    ['PasswordBody', 'PUT', '/password', { current_password: 'x', new_password: 'a new and long one' }],
  ] as const)('%s: no text may be longer', async (name, method, path, json) => {
    const properties = document.components.schemas[name]?.['properties'] as Record<string, JsonSchema>;
    for (const field of Object.keys(json)) {
      const maxLength = Number(properties[field]?.['maxLength']);
      for (const [length, refused] of [
        [maxLength, []],
        [maxLength + 1, [field]],
      ] as const) {
        // Two UTF-16 units each: JSON Schema counts characters.
        const body = { ...json, [field]: '\u{1f40b}'.repeat(length) };
        const response = await (await app()).call(method, path, { json: body });
        expect(namesIn(response.body), `${field}: ${length}`).toEqual(refused);
      }
    }
  });

  test('limit', async () => {
    const { schema } = document.paths['/logouts']!['get']!.parameters!.find(({ name }) => name === 'limit')!;
    const { type, minimum, maximum } = schema as { type: string; minimum: number; maximum: number };
    expect({ type, minimum, maximum, default: schema['default'] }).toEqual({
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: 20,
    });
    for (const [limit, status] of [
      [minimum - 1, 400],
      [minimum, 200],
      [maximum, 200],
      [maximum + 1, 400],
    ])
      expect((await (await app()).get(`/logouts?limit=${limit}`)).status, `${limit}`).toBe(status);
  });
});
