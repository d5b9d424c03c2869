import { Hono } from '../http/hono.ts';
import type { Settings } from '../settings.ts';
import { ICON_PATH, iconOf, stylesheetOf, stylesheetPath } from './stylesheet.ts';

/** The stylesheet and the icon: the same for all visitors, without a store, cached by browsers. */
export function assets({ SITE_ACCENT }: Settings): Hono {
  const stylesheet = stylesheetOf(SITE_ACCENT);
  const icon = iconOf(SITE_ACCENT);
  return new Hono()
    .get(stylesheetPath(SITE_ACCENT), (c) =>
      c.body(stylesheet, 200, {
        'Content-Type': 'text/css; charset=utf-8',
        'Cache-Control': 'public, max-age=31536000, immutable',
      }),
    )
    .get(ICON_PATH, (c) =>
      c.body(icon, 200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'public, max-age=86400' }),
    );
}
