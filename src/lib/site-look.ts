import { characterCount, visibleName } from './text.ts';

// The site's own name and look: what `SITE_NAME`, `SITE_ACCENT`, `SITE_LOGO` and `SITE_SUPPORT_URL` may be. Null: malformed.

const NAME_MAX_CHARACTERS = 64;
/** It is part of every page. */
const LOGO_MAX_CHARACTERS = 4096;

/** With single, plain spaces. */
export function parseSiteName(text: string): string | null {
  const name = visibleName(text);
  return name !== null && characterCount(name) <= NAME_MAX_CHARACTERS ? name : null;
}

/** `#rrggbb`, in small letters. */
export const parseColor = (text: string): string | null =>
  /^#[\da-f]{6}$/i.test(text) ? text.toLowerCase() : null;

/** A path on this host, or an image as a data URL. */
export function parseLogo(text: string): string | null {
  if (isImageData(text)) return text.length <= LOGO_MAX_CHARACTERS ? text : null;
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(text)) return null;
  return URL.canParse(text, 'https://host.invalid') ? text : null;
}

/** Whether this is an image itself rather than its address. */
export const isImageData = (text: string): boolean => /^data:image\/[\w.+-]+[;,][\x21-\x7e]+$/i.test(text);

/** A web page or a `mailto:` address. */
export function parseSupportUrl(text: string): string | null {
  if (!/^(?:https?:\/\/|mailto:.)/i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url.href : null;
}
