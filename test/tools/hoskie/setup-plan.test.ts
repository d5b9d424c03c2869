import { describe, expect, test } from 'vitest';
import { describeWaiting } from '../../../tools/hoskie/deploy/deploy-version.ts';
import { placeOf } from '../../../tools/hoskie/setup/plan.ts';
import { leadsTo } from '../../../tools/hoskie/setup/routes.ts';

describe('a version that is not live', () => {
  const worker = { name: 'cloud-hoskie', environment: 'production' } as const;
  const waiting = (traffic: Record<string, number>, latest: string): string | null =>
    describeWaiting(worker, { versionId: 'old', traffic }, latest);

  test('there is none if the latest upload is live', () => {
    expect(waiting({ old: 100 }, 'old')).toBeNull();
  });

  test('one at 0 % is named, with the commands that settle it', () => {
    const text = waiting({ new: 0, old: 100 }, 'new');
    expect(text).toMatch(/^cloud-hoskie has version new at 0 %\. /);
    expect(text).toContain(
      'npx wrangler versions deploy new@100 --env production --yes && npx wrangler triggers deploy --env production',
    );
    expect(text).toContain('npx wrangler versions deploy old@100 --env production --yes');
  });

  test('so is one that is no part of the deployment', () => {
    expect(waiting({ old: 100 }, 'new')).toMatch(/^The latest upload of cloud-hoskie, new, isn't live\. /);
  });
});

test.each([
  ['mysql://user:secret@aws.connect.psdb.cloud/hoskie?ssl=1', 'aws.connect.psdb.cloud/hoskie'],
  ['https://merry-cat-32748.upstash.io', 'merry-cat-32748.upstash.io'],
  ['http://user:secret@127.0.0.1:3900/x', '127.0.0.1:3900/x (loopback: only this machine can reach it)'],
  ['mysql://user:secret@localhost/x', 'localhost/x (loopback: only this machine can reach it)'],
])('the plan names host and database alone: %s', (url, place) => {
  expect(placeOf(url)).toBe(place);
});

test.each([
  ['login.example.org', true],
  ['Login.example.org/*', true],
  ['login.example.org/auth/*', false],
  ['*.example.org/*', false],
])('a domain is already there or not: %s', (route, isThere) => {
  expect(leadsTo('login.example.org', [route])).toBe(isThere);
});
