import { beforeEach, describe, expect, test } from 'vitest';
import { newSalt } from '../../src/auth/password.ts';
import type { PasswordChange, PasswordChanges } from '../../src/auth/password-changes.ts';
import { newTokenHash, SAMPLE_CLIENT, sampleOperation, sampleSession } from '../fakes/samples.ts';
import { begin, type Begun, type SessionStoreUnderTest } from './session-store/under-test.ts';

/** One implementation, empty, with the sessions that it looks at. */
export interface PasswordChangesUnderTest extends SessionStoreUnderTest {
  readonly changes: PasswordChanges;
}

const UNKNOWN_CLIENT = { ipAddress: null, userAgent: null, country: null };

/** A change of this session's user, by that session; each call has a salt of its own. */
export const changeBy = (
  { tokenHash, session }: Pick<Begun, 'tokenHash' | 'session'>,
  startedAtMs: number,
): PasswordChange => ({
  tokenHash,
  sessionId: session.id,
  userId: session.userId,
  username: session.username,
  salt: newSalt(4),
  startedAtMs,
  client: SAMPLE_CLIENT,
});

/** What every `PasswordChanges` does. `open` gives each test an empty one. */
export function describePasswordChanges(name: string, open: () => Promise<PasswordChangesUnderTest>): void {
  let under: PasswordChangesUnderTest;
  const all = (): Promise<PasswordChange[]> => under.changes.findStartedBefore(Number.MAX_SAFE_INTEGER, 100);

  describe(name, () => {
    beforeEach(async () => {
      under = await open();
    });

    describe('begin', () => {
      test.each([
        { what: 'every field', username: `O'Brien "\\x" \0\n\u2028 é 😀`, client: SAMPLE_CLIENT },
        { what: 'an unknown client', username: 'ann', client: UNKNOWN_CLIENT },
      ])('notes $what unchanged', async ({ username, client }) => {
        const change = { ...changeBy(await begin(under, { username }), under.nowMs()), client };
        expect(await under.changes.begin(change)).toEqual(change);
        expect(await all()).toEqual([change]);
      });

      test('gives a copy of the request the salt of the first', async () => {
        const begun = await begin(under);
        const first = changeBy(begun, under.nowMs());
        const copy = changeBy(begun, under.nowMs() + 5);
        await under.changes.begin(first);
        expect(await under.changes.begin(copy)).toEqual({ ...copy, salt: first.salt });
        expect(await all()).toEqual([{ ...copy, salt: first.salt }]);
      });

      test('notes one for each session of a user', async () => {
        const one = await begin(under);
        const other = await begin(under, { userId: one.session.userId });
        const changes = [one, other].map((each) => changeBy(each, under.nowMs()));
        for (const change of changes) await under.changes.begin(change);
        expect(await all()).toHaveLength(2);
        expect(await all()).toEqual(expect.arrayContaining(changes));
      });

      test('notes nothing without an open session: unknown, or ended', async () => {
        const unknown = { tokenHash: newTokenHash(), session: sampleSession(under.nowMs()) };
        const ended = await begin(under);
        await under.store.end([ended.tokenHash], 'cookie', 'logout', sampleOperation(under.nowMs()));
        for (const each of [unknown, ended])
          expect(await under.changes.begin(changeBy(each, under.nowMs()))).toBeNull();
        expect(await all()).toEqual([]);
      });
    });

    test('findStartedBefore returns those that started earlier, not at that time, up to the limit', async () => {
      const t = under.nowMs();
      const changes: PasswordChange[] = [];
      for (const ms of [0, 1, 2, 3]) changes.push(changeBy(await begin(under), t + ms));
      for (const change of changes) await under.changes.begin(change);
      const found = await under.changes.findStartedBefore(t + 2, 10);
      expect(found.sort((a, b) => a.startedAtMs - b.startedAtMs)).toEqual(changes.slice(0, 2));
      expect(await under.changes.findStartedBefore(t, 10)).toEqual([]);
      expect(await under.changes.findStartedBefore(t + 4, 3)).toHaveLength(3);
    });

    test('drop forgets a change, unless it was begun again', async () => {
      const begun = await begin(under);
      const other = changeBy(await begin(under), under.nowMs());
      const first = changeBy(begun, under.nowMs());
      const again = changeBy(begun, under.nowMs() + 5);
      for (const change of [other, first, again]) await under.changes.begin(change);
      await under.changes.drop(first);
      expect(await all()).toHaveLength(2);
      await under.changes.drop(again);
      await under.changes.drop(again);
      expect(await all()).toEqual([other]);
      expect(await under.changes.begin(again)).toEqual(again);
    });

    test('what ends the other sessions settles a change', async () => {
      const [own, kept] = [await begin(under), await begin(under)];
      for (const each of [own, kept]) await under.changes.begin(changeBy(each, under.nowMs()));
      const operation = sampleOperation(under.nowMs());
      await under.store.renew(own.credential, newTokenHash(), own.session, operation);
      expect(await all()).toMatchObject([{ tokenHash: kept.tokenHash }]);
      await under.store.endOthers(kept.session, kept.tokenHash, sampleOperation(under.nowMs()));
      expect(await all()).toEqual([]);
    });
  });
}
