import { Hono } from 'hono/tiny';
import type { AppEnv } from '../http/context.ts';
import { logoutsApi } from './logouts.ts';
import { openApi } from './openapi.ts';
import { passwordApi } from './password.ts';
import { sessionsApi } from './sessions.ts';

/** The JSON API for mobile apps. */
export const apiV1 = new Hono<AppEnv>()
  .route('/', sessionsApi)
  .route('/', passwordApi)
  .route('/', logoutsApi)
  .route('/', openApi);
