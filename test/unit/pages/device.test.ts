import { describe, expect, test } from 'vitest';
import { describeCountry, describeDevice } from '../../../src/pages/device.ts';
import { en } from '../../../src/pages/texts/en.tsx';
import fc, { anyText } from '../../fakes/property.ts';

describe('describeDevice', () => {
  const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0';
  const safari =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1';
  test.each([
    [null, null, 'Unknown device'],
    ["Ada's phone", firefox, "Ada's phone"],
    [null, 'my-app/1.0', 'my-app/1.0'],
    [null, '', 'Unknown device'],
    [null, '😀'.repeat(41), `${'😀'.repeat(40)}…`],
  ])('%j, %j', (name, agent, words) => {
    expect(describeDevice(name, agent, en)).toBe(words);
  });

  test('knows browsers and systems', () => {
    expect(describeDevice(null, firefox, en)).toMatch(/^Firefox on Windows/);
    expect(describeDevice(null, safari, en)).toMatch(/^Safari on iOS/);
  });

  test('handles any user agent, a long one quickly', () => {
    fc.assert(fc.property(anyText({ maxLength: 512 }), (agent) => void describeDevice(null, agent, en)));
    describeDevice(null, 'Mozilla/5.0 ('.repeat(39), en);
  });
});

describe('describeCountry', () => {
  test.each([
    [null, null],
    ['DE', 'Germany'],
    ['T1', 'Tor network'],
    ['XX', 'unknown country'],
  ])('%j: %j', (code, name) => {
    expect(describeCountry(code, en)).toBe(name);
  });

  test('has a name for every code that a request may have', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'];
    for (const first of letters) {
      for (const second of letters) expect(describeCountry(first + second, en)).toBeTruthy();
    }
  });
});
