import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cloudflareShield } from '../../../src/auth/shield.ts';

const shieldOf = (binding: unknown) => cloudflareShield({ SIGN_IN_SHIELD: binding });

test('asks the binding about an IPv4 address or an IPv6 /48', async () => {
  const asked: unknown[] = [];
  const limit = (options: unknown) => {
    asked.push(options);
    return Promise.resolve({ success: asked.length === 1 });
  };
  const shield = shieldOf({ limit });
  expect([await shield.admit('203.0.113.7'), await shield.admit('2001:db8:1:2::3')]).toEqual([true, false]);
  expect(asked).toEqual([{ key: '203.0.113.7' }, { key: '2001:db8:1::/48' }]);
});

test.each([undefined, null, 'text', {}, { limit: 7 }])('admits everyone if %j is bound', async (binding) => {
  expect(await shieldOf(binding).admit('203.0.113.7')).toBe(true);
});

test('admits a client without an address', async () => {
  expect(await shieldOf({ limit: () => Promise.resolve({ success: false }) }).admit(null)).toBe(true);
});

test('admits everyone without a binding, and if the binding fails', async () => {
  expect(await cloudflareShield(null).admit('203.0.113.7')).toBe(true);
  expect(await cloudflareShield(undefined).admit('203.0.113.7')).toBe(true);
  expect(await shieldOf({ limit: () => Promise.reject(new Error('down')) }).admit('203.0.113.7')).toBe(true);
});

describe('wrangler.toml', () => {
  const text = readFileSync(new URL('../../../wrangler.toml', import.meta.url), 'utf8');

  test.each(['staging', 'production'])('binds the shield in %s', (name) => {
    const [, table = ''] =
      new RegExp(`^\\[\\[env\\.${name}\\.ratelimits\\]\\]\n((?:.+\n)+)`, 'm').exec(text) ?? [];
    expect(table).toMatch(/^name = "SIGN_IN_SHIELD"$/m);
    expect(table).toMatch(/^simple = \{ limit = \d+, period = (?:10|60) \}$/m);
  });

  test('counts each environment by itself', () => {
    const ids = [...text.matchAll(/^namespace_id = "(\d+)"$/gm)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(2);
  });
});
