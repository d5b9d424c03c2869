import { expect, test } from 'vitest';
import { cloudflareShield } from '../../../src/auth/shield.ts';

const shieldOf = (binding: unknown) => cloudflareShield({ SIGN_IN_SHIELD: binding });

test('asks the binding about the network', async () => {
  const asked: unknown[] = [];
  const limit = (options: unknown) => {
    asked.push(options);
    return Promise.resolve({ success: asked.length === 1 });
  };
  const shield = shieldOf({ limit });
  expect([await shield.admit('203.0.113.7'), await shield.admit('2001:db8:0:0::/64')]).toEqual([true, false]);
  expect(asked).toEqual([{ key: '203.0.113.7' }, { key: '2001:db8:0:0::/64' }]);
});

test.each([undefined, null, 'text', {}, { limit: 7 }])('admits everyone if %j is bound', async (binding) => {
  expect(await shieldOf(binding).admit('203.0.113.7')).toBe(true);
});

test('admits everyone without a binding, and if the binding fails', async () => {
  expect(await cloudflareShield(null).admit('x')).toBe(true);
  expect(await cloudflareShield(undefined).admit('x')).toBe(true);
  expect(await shieldOf({ limit: () => Promise.reject(new Error('down')) }).admit('x')).toBe(true);
});
