import { describe, expect, test } from 'vitest';
import { findDevice, issueDeviceToken } from '../../../src/auth/device-token.ts';

const keys = { SECRET_KEY: 'k'.repeat(32), SECRET_KEY_FALLBACKS: [] as string[] };
const otherKeys = { SECRET_KEY: 'o'.repeat(32), SECRET_KEY_FALLBACKS: [] as string[] };
const deviceId = 'a'.repeat(22);

test('a token names its device, for its name in any spelling', () => {
  const token = issueDeviceToken('ann', null, keys);
  const found = findDevice([token], 'ann', keys);
  expect(found).toBe(token.split('.')[0]);
  expect(findDevice([token], ' ａnn', keys)).toBe(found);
});

test('each new device has an id of its own; a known one keeps its own', () => {
  expect(issueDeviceToken('ann', null, keys)).not.toBe(issueDeviceToken('ann', null, keys));
  expect(findDevice([issueDeviceToken('ann', deviceId, keys)], 'ann', keys)).toBe(deviceId);
});

test('a token of an older key counts while that is a fallback', () => {
  const token = issueDeviceToken('ann', deviceId, otherKeys);
  expect(findDevice([token], 'ann', keys)).toBeNull();
  const withFallback = { ...keys, SECRET_KEY_FALLBACKS: [otherKeys.SECRET_KEY] };
  expect(findDevice([token], 'ann', withFallback)).toBe(deviceId);
  // The next one is made with today's key.
  expect(findDevice([issueDeviceToken('ann', deviceId, withFallback)], 'ann', keys)).toBe(deviceId);
});

describe('none is', () => {
  const token = issueDeviceToken('ann', deviceId, keys);
  test.each([
    ['of another name', issueDeviceToken('bob', deviceId, keys)],
    ['of another case', issueDeviceToken('Ann', deviceId, keys)],
    ['with another id', `b${token.slice(1)}`],
    ['with another MAC', `${token.slice(0, 23)}${'A'.repeat(22)}`],
    ['with a MAC of no length', `${deviceId}.`],
    ['longer', `${token}A`],
    ['with a line after it', `${token}\n`],
    ['empty', ''],
  ])('one %s', (_, forged) => {
    expect(findDevice([forged], 'ann', keys)).toBeNull();
  });

  test('beyond the first four', () => {
    expect(findDevice(['', 'x', 'y', token], 'ann', keys)).toBe(deviceId);
    expect(findDevice(['', 'x', 'y', 'z', token], 'ann', keys)).toBeNull();
  });
});
