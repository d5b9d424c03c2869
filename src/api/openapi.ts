import { Hono } from '../http/hono.ts';
import document from '../generated/openapi.json' with { type: 'json' };

/** The description of this API, made from its schemas when the Worker is built. */
export const openApi = new Hono().get('/openapi.json', (c) =>
  c.body(JSON.stringify(document), 200, {
    'Content-Type': 'application/json',
    'Cache-Control': 'public, max-age=3600',
  }),
);
