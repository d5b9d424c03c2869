import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { AppContext } from '../http/context.ts';
import { belowBase, pagePath, type Page } from '../http/page-path.ts';
import { CLOUD, ICON_PATH, stylesheetPath } from './stylesheet.ts';
import type { Texts } from './texts/texts.ts';

interface PageFrame {
  /** What this visitor reads. */
  readonly texts: Texts;
  readonly title: string;
  /** For search engines; undefined: they leave the page out. */
  readonly description?: string;
  /** Who is signed in, for the header; undefined if unknown or anonymous. */
  readonly username?: string | undefined;
  /** Wide pages hold tables; the others are a card in the middle. */
  readonly wide?: boolean;
}

/** Responds with a page: one stylesheet, no script. Its status is the one that `c.status` has set. */
export function renderPage(
  c: AppContext,
  { texts, title, description, username, wide }: PageFrame,
  content: Child,
): Response | Promise<Response> {
  const { BASE_PATH, SITE_NAME, SITE_ACCENT, SITE_LOGO, SITE_SUPPORT_URL } = c.get('request').settings;
  const { frame } = texts;
  c.header('Content-Language', texts.language);
  c.header('Vary', 'Accept-Language', { append: true });
  return c.html(
    <>
      {raw('<!DOCTYPE html>')}
      <html lang={texts.language} dir={texts.direction}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          {description === undefined ? (
            <meta name="robots" content="noindex" />
          ) : (
            <meta name="description" content={description} />
          )}
          <title>{`${title} – ${SITE_NAME}`}</title>
          <link rel="stylesheet" href={belowBase(BASE_PATH, stylesheetPath(SITE_ACCENT))} />
          {SITE_LOGO === '' ? (
            <link rel="icon" type="image/svg+xml" href={belowBase(BASE_PATH, ICON_PATH)} />
          ) : (
            <link rel="icon" href={SITE_LOGO} />
          )}
        </head>
        <body>
          <header class="top">
            <a class="brand" href={pagePath(c, '/')}>
              {SITE_LOGO === '' ? (
                <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
                  <path d={CLOUD} />
                </svg>
              ) : (
                <img src={SITE_LOGO} alt="" />
              )}
              {SITE_NAME}
            </a>{' '}
            {username === undefined ? null : (
              <nav aria-label={frame.account}>
                <NavLink c={c} to="/home/" label={frame.home} />{' '}
                <NavLink c={c} to="/sessions/" label={frame.sessions} />{' '}
                <span class="who">{frame.signedInAs(<Username name={username} />)}</span>
              </nav>
            )}
          </header>
          <main class={wide === true ? 'wide' : 'card'}>{content}</main>
          {SITE_SUPPORT_URL === '' ? null : (
            <footer>
              <a href={SITE_SUPPORT_URL}>{frame.help}</a>
            </footer>
          )}
        </body>
      </html>
    </>,
  );
}

function NavLink({ c, to, label }: { c: AppContext; to: Page; label: string }) {
  const path = pagePath(c, to);
  return (
    <a href={path} aria-current={c.req.path === path ? 'page' : undefined}>
      {label}
    </a>
  );
}

/** A name in a sentence, whatever the direction of either. */
export const Username = ({ name }: { name: string }) => (
  <strong>
    <bdi>{name}</bdi>
  </strong>
);
