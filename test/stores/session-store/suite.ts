import { beforeEach, describe } from 'vitest';
import { describeAbandon } from './abandon.ts';
import { describeCheck } from './check.ts';
import { describeEnd } from './end.ts';
import { describeEndAgain } from './end-again.ts';
import { describeEnds } from './ends.ts';
import { describeList } from './list.ts';
import { describeRaces } from './races.ts';
import { describeRefresh } from './refresh.ts';
import { describeRenew } from './renew.ts';
import { describeRevoke } from './revoke.ts';
import { describeStart } from './start.ts';
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
    describeEndAgain(current);
    describeRevoke(current);
    describeList(current);
    describeRenew(current);
    describeEnds(current);
    describeRaces(current);
  });
}
