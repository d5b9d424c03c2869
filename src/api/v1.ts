import { Hono } from 'hono/tiny';
import type { AppEnv } from '../web/request-context.ts';
import { logoutsApi } from './logouts.ts';
import { openApi } from './openapi.ts';
import { passwordApi } from './password.ts';
import { sessionsApi } from './sessions.ts';

export const API_PATH = '/api/v1';

/** The JSON API for mobile apps. Its type is what the typed client is made from. */
export const apiV1 = new Hono<AppEnv>()
  .route('/', sessionsApi)
  .route('/', passwordApi)
  .route('/', logoutsApi)
  .route('/', openApi);

export type ApiV1 = typeof apiV1;
