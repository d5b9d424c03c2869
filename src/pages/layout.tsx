import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import { STYLESHEET_PATH } from './stylesheet.ts';

interface LayoutProps {
  readonly title: string;
  /** Who is signed in, for the header; undefined if unknown or anonymous. */
  readonly username?: string | undefined;
  /** Wide pages hold tables; the others are a card in the middle. */
  readonly wide?: boolean;
  readonly children?: Child;
}

/** The frame of every page: one stylesheet, no script. */
export function Layout({ title, username, wide, children }: LayoutProps) {
  return (
    <>
      {raw('<!DOCTYPE html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>{`${title} – Cloud Hoskie`}</title>
          <link rel="stylesheet" href={STYLESHEET_PATH} />
          <link rel="icon" type="image/svg+xml" href="/assets/icon.svg" />
        </head>
        <body>
          <header class="top">
            <a class="brand" href="/">
              <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
                <path d="M9 24a6 6 0 0 1-.6-12A8 8 0 0 1 23.7 13 5.5 5.5 0 0 1 23 24Z" />
              </svg>
              Cloud Hoskie
            </a>
            {username === undefined ? null : (
              <nav aria-label="Account">
                <a href="/home/">Home</a>
                <a href="/sessions/">Sessions</a>
                <span class="who">
                  Signed in as <strong>{username}</strong>
                </span>
              </nav>
            )}
          </header>
          <main class={wide === true ? 'wide' : 'card'}>{children}</main>
        </body>
      </html>
    </>
  );
}
