import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { AppContext } from '../http/context.ts';
import { belowBase, pagePath } from '../http/page-path.ts';
import { ICON_PATH, STYLESHEET_PATH } from './stylesheet.ts';

interface PageFrame {
  readonly title: string;
  /** Who is signed in, for the header; undefined if unknown or anonymous. */
  readonly username?: string | undefined;
  /** Wide pages hold tables; the others are a card in the middle. */
  readonly wide?: boolean;
}

/** Responds with a page: one stylesheet, no script. Its status is the one that `c.status` has set. */
export function renderPage(
  c: AppContext,
  { title, username, wide }: PageFrame,
  content: Child,
): Response | Promise<Response> {
  const asset = (path: string): string => belowBase(c.get('request').settings.BASE_PATH, path);
  return c.html(
    <>
      {raw('<!DOCTYPE html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>{`${title} – Cloud Hoskie`}</title>
          <link rel="stylesheet" href={asset(STYLESHEET_PATH)} />
          <link rel="icon" type="image/svg+xml" href={asset(ICON_PATH)} />
        </head>
        <body>
          <header class="top">
            <a class="brand" href={pagePath(c, '/')}>
              <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
                <path d="M9 24a6 6 0 0 1-.6-12A8 8 0 0 1 23.7 13 5.5 5.5 0 0 1 23 24Z" />
              </svg>
              Cloud Hoskie
            </a>
            {username === undefined ? null : (
              <nav aria-label="Account">
                <a href={pagePath(c, '/home/')}>Home</a>
                <a href={pagePath(c, '/sessions/')}>Sessions</a>
                <span class="who">
                  Signed in as <strong>{username}</strong>
                </span>
              </nav>
            )}
          </header>
          <main class={wide === true ? 'wide' : 'card'}>{content}</main>
        </body>
      </html>
    </>,
  );
}
