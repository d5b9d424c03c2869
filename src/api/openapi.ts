import { Hono } from 'hono/tiny';
import document from '../generated/openapi.json' with { type: 'json' };
import type { AppEnv } from '../http/context.ts';

/** The description of this API, made from its schemas when the Worker is built. */
export const openApi = new Hono<AppEnv>().get('/openapi.json', (c) =>
  c.body(JSON.stringify(document), 200, {
    'Content-Type': 'application/json',
    'Cache-Control': 'public, max-age=3600',
  }),
);
