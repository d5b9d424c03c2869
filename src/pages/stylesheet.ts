import { base64Url, sha256 } from '../lib/hash.ts';
import { accentColors } from './accent-colors.ts';

/** All styles but the site's own colour, for light and dark, phone and desktop. System fonts; no image but the logo. */
const STYLES = /* css */ `
:root {
  color-scheme: light dark;
  --ground: #f3f5fa; --sheet: #ffffff; --ink: #172033; --soft: #55607a; --line: #d5dbe8;
  --bad: #a5182f; --bad-ground: #fdeef0; --note-ground: #eaf1ff; --shadow: 0 1px 2px #1720331a, 0 12px 32px #1720331a;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #10141d; --sheet: #1a202d; --ink: #e9edf6; --soft: #a3aec4; --line: #364056;
    --bad: #ff9aa8; --bad-ground: #3a1d25; --note-ground: #1d2a47; --shadow: 0 12px 32px #00000066;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
bdi { overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .2em; }
a:hover { color: var(--accent-deep); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.top {
  display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; justify-content: space-between;
  max-width: 64rem; margin: 0 auto; padding: 1.25rem;
}
.top nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: center; }
[aria-current] { color: inherit; text-decoration: none; font-weight: 600; }
.brand { display: inline-flex; gap: .5rem; align-items: center; color: inherit; font-weight: 700; text-decoration: none; }
.brand path { fill: var(--accent); }
.brand img { height: 1.75rem; width: auto; }
footer { margin: 0 auto 2rem; text-align: center; font-size: .9375rem; }
.who { color: var(--soft); font-size: .9375rem; }
main { margin: clamp(.5rem, 5vh, 3.5rem) auto 3rem; padding: clamp(1.25rem, 5vw, 2.5rem); background: var(--sheet); box-shadow: var(--shadow); border-radius: 1rem; }
main.card { width: min(28rem, 100% - 2rem); }
main.wide { width: min(64rem, 100% - 2rem); }
h1 { margin: 0 0 1rem; font-size: 1.6rem; line-height: 1.2; text-wrap: balance; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.15rem; line-height: 1.3; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
p { margin: 0 0 1rem; }
pre { margin: 0 0 1rem; padding: .75rem 1rem; font-size: .8125rem; white-space: pre-wrap; background: var(--ground); border-radius: .5rem; }
table + p { margin-top: 1rem; }
tbody th { white-space: normal; overflow-wrap: normal; }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .35rem 1.25rem; margin: 0 0 1.5rem; }
dt { color: var(--soft); }
dd { margin: 0; }
small { color: var(--soft); font-size: .8125rem; }
.field { margin-bottom: 1.1rem; }
label { display: block; font-weight: 600; }
input[type="text"], input[type="password"] {
  width: 100%; margin-top: .3rem; padding: .65rem .75rem; font: inherit; color: inherit;
  background: var(--ground); border: 1px solid var(--soft); border-radius: .5rem;
}
input[aria-invalid="true"] { border-color: var(--bad); border-width: 2px; }
.check { display: flex; gap: .6rem; align-items: center; margin: 0 0 1.4rem; font-weight: 400; }
.check input { width: 1.15rem; height: 1.15rem; margin: 0; accent-color: var(--accent); }
.hint { margin: .3rem 0 0; color: var(--soft); font-size: .875rem; }
.field-error { margin: .3rem 0 0; color: var(--bad); font-size: .9375rem; }
.problem, .notice { padding: .75rem 1rem; border-radius: .5rem; border-inline-start: 4px solid; }
.problem { color: var(--bad); background: var(--bad-ground); }
.notice { background: var(--note-ground); border-color: var(--accent); }
button, .button {
  display: inline-block; padding: .65rem 1.25rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none;
  color: var(--fill-ink); background: var(--fill); border: 1px solid var(--accent); border-radius: .5rem; cursor: pointer;
}
button:hover, .button:hover { color: var(--fill-ink); background: var(--fill-hover); }
.quiet { color: var(--accent); background: transparent; border-color: var(--line); }
.quiet:hover { color: var(--accent-deep); background: var(--ground); }
.danger { color: var(--bad); background: transparent; border-color: var(--bad); }
.danger:hover { color: var(--bad); background: var(--bad-ground); }
form > button:last-child:first-of-type { width: 100%; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 0; }
form.actions > button:last-child:first-of-type { width: auto; }
main.wide p.fine { margin: .2rem 0 0; }
.sessions { list-style: none; margin: 1.5rem 0; padding: 0; border-top: 1px solid var(--line); }
.sessions li { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; justify-content: space-between; padding: 1rem 0; border-bottom: 1px solid var(--line); }
.sessions li > div { flex: 1 1 20rem; }
.sessions strong { margin-inline-end: .25rem; }
details { color: var(--soft); font-size: .8125rem; }
summary { width: fit-content; padding: .3rem 0; color: var(--accent); cursor: pointer; }
details dl { margin: .2rem 0 0; }
.badge { display: inline-block; padding: .05rem .5rem; font-size: .8125rem; color: var(--fill-ink); background: var(--fill); border-radius: 1rem; }
.badge.soft { color: var(--soft); background: var(--ground); }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; color: var(--soft); }
th, td { padding-block: .45rem; padding-inline: 0 .75rem; text-align: start; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
.fine { margin: 1.5rem 0 0; color: var(--soft); font-size: .8125rem; }
@media (max-width: 36rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr, td { display: block; }
  tr { padding: .45rem 0; border-bottom: 1px solid var(--line); }
  td { padding: 0; border: 0; }
  details dl { display: block; }
}
@media print {
  :root { color-scheme: light; }
  details::details-content { content-visibility: visible; }
}
`;

/**
 * The stylesheet of a site.
 * @param accent the site's colour, `#rrggbb`
 */
export function stylesheetOf(accent: string): string {
  const { light, dark } = accentColors(accent);
  return `:root { ${light} }\n@media screen and (prefers-color-scheme: dark) { :root { ${dark} } }\n${STYLES}`;
}

/** Of one site's stylesheet, which stands for all: only the colour differs. */
const HASH = base64Url(sha256(stylesheetOf('#2453c9'))).slice(0, 8);

/** The address changes with the content, so browsers may cache it without limit. */
export const stylesheetPath = (accent: string): string => `/assets/style-${HASH}-${accent.slice(1)}.css`;

export const ICON_PATH = '/assets/icon.svg';

/** The cloud of our own logo and icon, in a box of 32 by 32. */
export const CLOUD = 'M9 24a6 6 0 0 1-.6-12A8 8 0 0 1 23.7 13 5.5 5.5 0 0 1 23 24Z';

export const iconOf = (accent: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="${accent}" d="${CLOUD}"/></svg>`;
