import { Hono } from 'hono';
import type { AppEnv } from '../http/context.ts';
import { ICON_PATH, ICON_SVG, STYLESHEET, STYLESHEET_PATH } from './stylesheet.ts';

/** The stylesheet and the icon: the same for all visitors, without a store, cached by browsers. */
export const assets = new Hono<AppEnv>()
  .get(STYLESHEET_PATH, (c) =>
    c.body(STYLESHEET, 200, {
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
    }),
  )
  .get(ICON_PATH, (c) =>
    c.body(ICON_SVG, 200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'public, max-age=86400' }),
  );
