import { describe, expect, test } from 'vitest';
import { chooseLanguage, LANGUAGES } from '../../../src/pages/language.ts';
import fc, { anyText } from '../../fakes/property.ts';

describe('chooseLanguage', () => {
  test.each([
    ['', 'en'],
    ['de', 'de'],
    ['DE-at', 'de'],
    ['zh-Hant-TW, ar-EG;q=0.5', 'ar'],
    // The weight decides, then the order.
    ['fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5', 'fr'],
    ['de;q=0.3, es;q=0.9, en;q=0.4', 'es'],
    ['es, de', 'es'],
    ['es;q=0.5,de;q=0.5', 'es'],
    ['de ; q=0.2 , fr\t;q=0.1', 'de'],
    // None of ours.
    ['nl, zh;q=0.5', 'en'],
    ['nl, *;q=0.1', 'en'],
    // Any other, but not these.
    ['*', 'en'],
    ['en;q=0, *', 'de'],
    ['de;q=0, en;q=0', 'en'],
    ['de;q=0, fr;q=0.001', 'fr'],
    // What is malformed counts as not sent.
    ['de;q=high, fr;q=0.1', 'fr'],
    ['de;q=, es;q=0.1', 'es'],
    ['de;q=-1, es;q=0.1', 'es'],
    ['de_DE, es;q=0.1', 'es'],
    ['deutsch1, ,;;, es', 'es'],
    ['german', 'en'],
    ['ｄｅ', 'en'],
  ])('%j: %s', (header, language) => {
    expect(chooseLanguage(header).language).toBe(language);
  });

  test('handles any header, a long one quickly', () => {
    fc.assert(fc.property(anyText(), (header) => LANGUAGES.includes(chooseLanguage(header))));
    expect(chooseLanguage(`${'nl-'.repeat(30_000)}de, de`).language).toBe('de');
    expect(chooseLanguage(`${'nl,'.repeat(30_000)}de`).language).toBe('en');
  });
});
