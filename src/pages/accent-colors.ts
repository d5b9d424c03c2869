/** Red, green and blue, each 0 to 255. */
type Color = readonly [number, number, number];

const BLACK: Color = [0, 0, 0];
const WHITE: Color = [255, 255, 255];

/** What text of one colour scheme may stand on: the page, a sheet on it, a notice. */
const LIGHT_GROUNDS = ['#f3f5fa', '#ffffff', '#eaf1ff'].map(toColor);
const DARK_GROUNDS = ['#10141d', '#1a202d', '#1d2a47'].map(toColor);

/** WCAG 2.2, success criterion 1.4.3 (AA). */
const MIN_CONTRAST = 4.5;
const MIX_STEP = 0.05;
/** How far a colour moves under the pointer. */
const HOVER_MIX = 0.2;

/**
 * The colours that follow from the site's own, as custom properties of a stylesheet. Buttons are filled with it, their text
 * is black or white, whichever contrasts more. Links have a tint of it that can be read on every ground of the scheme.
 * @param accent `#rrggbb`
 */
export function accentColors(accent: string): { readonly light: string; readonly dark: string } {
  const fill = toColor(accent);
  const ink = contrast(fill, WHITE) >= contrast(fill, BLACK) ? WHITE : BLACK;
  // Away from its text, which becomes no harder to read.
  const fillHover = mix(fill, ink === WHITE ? BLACK : WHITE, HOVER_MIX);
  const button = `--fill: ${accent}; --fill-ink: ${toHex(ink)}; --fill-hover: ${toHex(fillHover)};`;
  const tinted = (grounds: readonly Color[], towards: Color): string => {
    const tint = readableTint(fill, grounds, towards);
    return `--accent: ${toHex(tint)}; --accent-deep: ${toHex(mix(tint, towards, HOVER_MIX))};`;
  };
  return {
    light: `${tinted(LIGHT_GROUNDS, BLACK)} ${button}`,
    dark: tinted(DARK_GROUNDS, WHITE),
  };
}

/** As much of the colour as can be read on every ground. */
function readableTint(color: Color, grounds: readonly Color[], towards: Color): Color {
  for (let share = 0; share < 1; share += MIX_STEP) {
    const tint = mix(color, towards, share);
    if (grounds.every((ground) => contrast(tint, ground) >= MIN_CONTRAST)) return tint;
  }
  return towards;
}

function toColor(hex: string): Color {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

const toHex = (color: Color): string =>
  `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;

const mix = ([r, g, b]: Color, [toR, toG, toB]: Color, share: number): Color => [
  Math.round(r + (toR - r) * share),
  Math.round(g + (toG - g) * share),
  Math.round(b + (toB - b) * share),
];

/** Contrast ratio, 1 to 21 (WCAG 2.2). */
function contrast(one: Color, other: Color): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** Relative luminance, 0 to 1 (WCAG 2.2). */
function luminance(color: Color): number {
  const [r, g, b] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
