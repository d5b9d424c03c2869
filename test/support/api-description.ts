import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';
import type { Answer, Visitor } from './visitor.ts';

export type JsonSchema = { [keyword: string]: unknown };
type Ref = { $ref: string };

interface HeaderDescription {
  required?: boolean;
  schema: JsonSchema;
}

export interface MediaTypeDescription {
  schema: JsonSchema;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

export interface ResponseDescription {
  description: string;
  headers?: Record<string, Ref>;
  content?: Record<string, MediaTypeDescription>;
}

export interface OperationDescription {
  operationId: string;
  summary: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean; schema: JsonSchema; example?: unknown }[];
  requestBody?: { content: Record<string, MediaTypeDescription> };
  responses: Record<string, ResponseDescription | Ref>;
}

/** What the tests read of openapi.json. */
export interface ApiDescription {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, OperationDescription>>;
  components: {
    schemas: Record<string, JsonSchema>;
    responses: Record<string, ResponseDescription>;
    headers: Record<string, HeaderDescription>;
  };
}

/** The document, and what validates by it. A test file always talks to the same bundle. */
let loaded: Promise<{ document: ApiDescription; ajv: Ajv2020 }> | null = null;

export async function describedApi(visitor: Visitor): Promise<ApiDescription> {
  return (await load(visitor)).document;
}

function load(visitor: Visitor) {
  loaded ??= visitor.get('/api/v1/openapi.json').then((answer) => {
    expect(answer.status).toBe(200);
    const document = JSON.parse(answer.body) as ApiDescription;
    return { document, ajv: validatorOf(document) };
  });
  return loaded;
}

/** Validates by `#/components/schemas/...`. Members that no schema has are errors here, though clients accept them. */
export function validatorOf({ components }: ApiDescription): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
  addFormats(ajv);
  for (const format of ['password', 'int32']) ajv.addFormat(format, true);
  const schemas = Object.entries(components.schemas).map(([name, each]) => [name, closed(each)]);
  ajv.addKeyword('components');
  ajv.addSchema({ $id: DOCUMENT_URI, components: { schemas: Object.fromEntries(schemas) as JsonSchema } });
  return ajv;
}
const DOCUMENT_URI = 'https://document.example/';

const closed = (schema: JsonSchema): JsonSchema =>
  schema['type'] === 'object' ? { ...schema, additionalProperties: false } : schema;

/** What is wrong with this value by the document's schema; empty if nothing is. */
export function schemaErrors(ajv: Ajv2020, schema: JsonSchema, value: unknown): unknown[] {
  const reference = schema['$ref'] as string | undefined;
  const validate = reference === undefined ? ajv.compile(schema) : ajv.getSchema(DOCUMENT_URI + reference)!;
  void validate(value);
  return validate.errors ?? [];
}

/** Follows a reference to a response or a header. */
export function resolve<T extends object>(document: ApiDescription, each: T | Ref): T {
  if (!('$ref' in each)) return each;
  const [kind = '', name = ''] = each.$ref.replace('#/components/', '').split('/');
  return (document.components as unknown as Record<string, Record<string, T>>)[kind]![name]!;
}

/** The described path that matches this one; null if there is none. */
export function describedPath({ paths }: ApiDescription, path: string): string | null {
  const [bare = ''] = path.split('?');
  if (paths[bare] !== undefined) return bare;
  const isMatch = (each: string) => new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare);
  return Object.keys(paths).find(isMatch) ?? null;
}

interface Exchange {
  method: string;
  path: string;
  answer: Answer;
  parsed: unknown;
}

/**
 * A route's response must have a described status and media type, a body with the described members only, all headers that
 * it must have, and none of the others that the document knows.
 */
export async function expectAsDescribed(
  visitor: Visitor,
  { method, path, answer, parsed }: Exchange,
): Promise<void> {
  const { document, ajv } = await load(visitor);
  const operations = document.paths[describedPath(document, path) ?? ''] ?? {};
  // What a path says of methods that it hasn't is the same in each of its operations.
  const operation = operations[method.toLowerCase()] ?? Object.values(operations)[0];
  if (operation === undefined) return;
  const place = `${method} ${path} returned ${answer.status}`;
  const described = operation.responses[String(answer.status)];
  expect(described, `${place}, which is not described`).toBeDefined();
  const response = resolve<ResponseDescription>(document, described!);
  const mediaType = answer.headers.get('Content-Type')?.split(';')[0] ?? '';
  const content = response.content?.[mediaType];
  expect(content, `${place} with ${mediaType}, which is not described`).toBeDefined();
  expect(schemaErrors(ajv, content!.schema, parsed), place).toEqual([]);

  for (const [name, header] of Object.entries(document.components.headers)) {
    const sent = answer.headers.get(name) ?? (name === 'Set-Cookie' ? answer.setCookies[0] : null) ?? null;
    const reference = response.headers?.[name];
    if (reference === undefined) {
      expect(sent, `${place} with ${name}, which is not described`).toBeNull();
      continue;
    }
    if (header.required === true) expect(sent, `${place} without ${name}`).not.toBeNull();
    if (sent === null) continue;
    const value = header.schema['type'] === 'integer' ? Number(sent) : sent;
    expect(schemaErrors(ajv, header.schema, value), `${place}: ${name}: ${sent}`).toEqual([]);
  }
}
