import { expect, test } from 'vitest';
import { parseSigningKeys } from '../../../src/lib/signing-keys.ts';
import { expectFailure, runCli } from './run-cli.ts';

const newKeys = async (args: readonly string[] = [], input = '') => {
  const { stdout, exitCode } = await runCli(null, ['keys', 'new', ...args], { input });
  expect(exitCode).toBe(0);
  return { stdout, keys: parseSigningKeys(stdout) ?? [] };
};

test('a new key is what ASSERTION_KEYS takes, and another each time', async () => {
  const [first, second] = [await newKeys(), await newKeys()];
  expect(first.keys).toHaveLength(1);
  expect(second.keys[0]?.kid).not.toBe(first.keys[0]?.kid);
});

test('with --add the new key signs, and the old ones stay', async () => {
  const old = await newKeys();
  const { keys } = await newKeys(['--add'], old.stdout);
  expect(keys).toHaveLength(2);
  expect(keys[1]).toEqual(old.keys[0]);
});

test('--add without keys on standard input says so, without repeating it', async () => {
  const result = await runCli(null, ['keys', 'new', '--add'], { input: '{"keys":["a-secret-word"]}' });
  expectFailure(result, 2, /isn't a JSON Web Key Set/);
  expect(result.stderr).not.toContain('secret-word');
});
