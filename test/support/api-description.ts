import { expect } from 'vitest';
import { fromJSONSchema, type ZodType } from 'zod';
import type { Answer, Visitor } from './visitor.ts';

interface Operation {
  security?: Record<string, string[]>[];
  responses: Record<string, { content?: Record<string, { schema?: { $ref?: string } }> }>;
}

/** What the tests read of openapi.json. */
export interface ApiDescription {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

/** The document, and the schemas used so far. A test file always talks to the same bundle. */
let loaded: Promise<{ document: ApiDescription; schemas: Map<string, ZodType> }> | null = null;

export async function describedApi(visitor: Visitor): Promise<ApiDescription> {
  return (await load(visitor)).document;
}

function load(visitor: Visitor) {
  loaded ??= visitor.get('/api/v1/openapi.json').then((answer) => {
    expect(answer.status).toBe(200);
    return { document: JSON.parse(answer.body) as ApiDescription, schemas: new Map<string, ZodType>() };
  });
  return loaded;
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

/** A route's response must have a described status and media type, and a body with the described members only. */
export async function expectAsDescribed(
  visitor: Visitor,
  { method, path, answer, parsed }: Exchange,
): Promise<void> {
  const { document, schemas } = await load(visitor);
  const operation = document.paths[describedPath(document, path) ?? '']?.[method.toLowerCase()];
  if (operation === undefined) return;
  const place = `${method} ${path} returned ${answer.status}`;
  const response = operation.responses[String(answer.status)];
  expect(response, `${place}, which is not described`).toBeDefined();
  const mediaType = answer.headers.get('Content-Type')?.split(';')[0] ?? '';
  const content = response?.content?.[mediaType];
  expect(content, `${place} with ${mediaType}, which is not described`).toBeDefined();
  const name = content?.schema?.$ref?.replace('#/components/schemas/', '');
  if (name === undefined) return;
  let schema = schemas.get(name);
  if (schema === undefined) {
    schema = fromJSONSchema(document.components.schemas[name] as Parameters<typeof fromJSONSchema>[0]);
    schemas.set(name, schema);
  }
  const result = schema.safeParse(parsed);
  expect(result.error?.issues ?? [], place).toEqual([]);
}
