import { expect, test } from 'vitest';
import { findNeeded, SECRETS, type SecretName } from '../../../tools/hoskie/setup/secrets.ts';

const [URL_NAME, TOKEN_NAME] = SECRETS;
const without = (...missing: SecretName[]): Set<string> =>
  new Set(SECRETS.filter((name) => !missing.includes(name)));

test.each<[string, Set<string> | null, SecretName[], readonly SecretName[]]>([
  ['no Worker yet: all', null, [], SECRETS],
  ['all are set: none', without(), [], []],
  ['the one to be replaced', without(), ['SECRET_KEY'], ['SECRET_KEY']],
  ["Redis's token to be replaced: its address, too", without(), [TOKEN_NAME], [URL_NAME, TOKEN_NAME]],
  ["Redis's address to be replaced: its token, too", without(), [URL_NAME], [URL_NAME, TOKEN_NAME]],
  ["Redis's token is missing: its address, too", without(TOKEN_NAME), [], [URL_NAME, TOKEN_NAME]],
])('secrets to be set: %s', (_, known, replace, needed) => {
  expect([...findNeeded(known, replace)].sort()).toEqual([...needed].sort());
});
