import { Hono } from '../http/hono.ts';
import { logoutsApi } from './logouts.ts';
import { openApi } from './openapi.ts';
import { passwordApi } from './password.ts';
import { sessionsApi } from './sessions.ts';

/** The JSON API for mobile apps. */
export const apiV1 = new Hono()
  .route('/', sessionsApi)
  .route('/', passwordApi)
  .route('/', logoutsApi)
  .route('/', openApi);
