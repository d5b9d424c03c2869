import { beforeEach, describe } from 'vitest';
import { describeCheck, describeRefresh } from './check-and-refresh.ts';
import { describeEnd } from './end.ts';
import { describeList, describeRenew } from './list-and-renew.ts';
import { describeRaces } from './races.ts';
import { describeRevoke } from './revoke.ts';
import { describeAbandon, describeStart } from './start-and-abandon.ts';
import type { Current, SessionStoreUnderTest } from './under-test.ts';

/** What every `SessionStore` does. `open` gives each test an empty one. */
export function describeSessionStore(name: string, open: () => Promise<SessionStoreUnderTest>): void {
  let underTest: SessionStoreUnderTest;
  const current: Current = () => underTest;

  describe(name, () => {
    beforeEach(async () => {
      underTest = await open();
    });
    describeCheck(current);
    describeRefresh(current);
    describeStart(current);
    describeAbandon(current);
    describeEnd(current);
    describeRevoke(current);
    describeList(current);
    describeRenew(current);
    describeRaces(current);
  });
}
