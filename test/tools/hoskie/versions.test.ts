import { expect, test } from 'vitest';
import { isWorkerMissing } from '../../../tools/hoskie/setup/secrets.ts';
import { isEmptyVersion } from '../../../tools/hoskie/wrangler/versions.ts';

const SECRET = { type: 'secret_text' };
test.each([
  ['what wrangler creates for secrets', ['fetch'], [SECRET, SECRET], true],
  ['without secrets', ['fetch'], undefined, true],
  ['ours', ['fetch', 'scheduled'], [SECRET], false],
  ['one with a variable', ['fetch'], [SECRET, { type: 'plain_text' }], false],
  ['one of queues', ['queue'], [], false],
  ['one of which nothing is known', undefined, [], false],
])('a Worker is empty or not: %s', (_, handlers, bindings, isEmpty) => {
  expect(isEmptyVersion({ resources: { script: { handlers }, bindings } })).toBe(isEmpty);
});

test.each([
  ['✘ [ERROR] Worker "cloud-hoskie" (env: production) not found.\n\nIf this is a new Worker, run', true],
  ['✘ [ERROR] Worker "cloud-hoskie" not found.', true],
  ['✘ [ERROR] Account not found.', false],
  ['✘ [ERROR] A request to the Cloudflare API failed.\n\nCould not route: not found. [code: 7003]', false],
])('a Worker is missing or not: %j', (stderr, isMissing) => {
  expect(isWorkerMissing(stderr)).toBe(isMissing);
});
