import { expect, test } from 'vitest';
import { accentColors } from '../../../src/pages/accent-colors.ts';
import { stylesheetOf } from '../../../src/pages/stylesheet.ts';
import fc from '../../fakes/property.ts';

const anyColor = fc
  .integer({ min: 0, max: 0xffffff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`);

/** The custom properties of a style sheet's part. */
const propertiesOf = (css: string): Record<string, string> =>
  Object.fromEntries(
    [...css.matchAll(/(--[\w-]+): (#[\da-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
  );

/** Those of the stylesheet itself, whose text links stand on. */
function groundsOf(scheme: 'light' | 'dark'): string[] {
  const roots = [...stylesheetOf('#2453c9').matchAll(/--ground: [\s\S]*?\}/g)].map(([root]) => root);
  const {
    '--ground': ground,
    '--sheet': sheet,
    '--note-ground': note,
  } = propertiesOf(roots[scheme === 'light' ? 0 : 1] ?? '');
  return [ground, sheet, note].map(String);
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return r * 0.2126 + g * 0.7152 + b * 0.0722;
  };
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

test('links of any colour can be read on every ground, and so can buttons', () => {
  fc.assert(
    fc.property(anyColor, (accent) => {
      const { light, dark } = accentColors(accent);
      for (const [scheme, css] of [
        ['light', light],
        ['dark', dark],
      ] as const) {
        const properties = propertiesOf(css);
        for (const ground of groundsOf(scheme)) {
          expect(ground).toMatch(/^#[\da-f]{6}$/);
          for (const name of ['--accent', '--accent-deep'])
            expect(contrast(properties[name] ?? '', ground), `${scheme} ${name}`).toBeGreaterThanOrEqual(4.5);
        }
      }
      const { '--fill': fill = '', '--fill-ink': ink = '', '--fill-hover': hover = '' } = propertiesOf(light);
      expect(fill).toBe(accent);
      expect(contrast(fill, ink)).toBe(Math.max(contrast(fill, '#000000'), contrast(fill, '#ffffff')));
      expect(contrast(hover, ink)).toBeGreaterThanOrEqual(contrast(fill, ink));
    }),
  );
});

test.each([
  ['#2453c9', '#2453c9', 'a colour that can be read stays as it is'],
  ['#ffffff', '#666666', 'white becomes grey on white'],
  ['#000000', '#000000', 'black stays black on white'],
])('%s in light colours: %s (%s)', (accent, tint) => {
  expect(propertiesOf(accentColors(accent).light)['--accent']).toBe(tint);
});
