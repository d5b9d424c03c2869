import { beforeEach, describe, expect, test } from 'vitest';
import type { User, UserStore } from '../../src/auth/user-store.ts';
import type { UserId } from '../../src/lib/ids.ts';

/** One implementation, without users. */
export interface UserStoreUnderTest {
  readonly users: UserStore;
  /** As the operator adds one. */
  readonly add: (user: { username: string; passwordHash: string; isActive?: boolean }) => Promise<User>;
}

/** What every `UserStore` does. `open` gives each test an empty one. */
export function describeUserStore(name: string, open: () => Promise<UserStoreUnderTest>): void {
  let under: UserStoreUnderTest;
  const addNamed = (username: string): Promise<User> => under.add({ username, passwordHash: 'hash' });

  describe(name, () => {
    beforeEach(async () => {
      under = await open();
    });

    test('finds a user by name and by id', async () => {
      await addNamed('bob');
      const ann = await under.add({ username: 'ann', passwordHash: 'bcrypt_sha256$$2b$10$x' });
      expect(ann).toEqual({
        id: ann.id,
        username: 'ann',
        passwordHash: 'bcrypt_sha256$$2b$10$x',
        isActive: true,
      });
      expect(await under.users.findByUsername('ann')).toEqual(ann);
      expect(await under.users.findById(ann.id)).toEqual(ann);
    });

    test('tells who is not active', async () => {
      const ann = await under.add({ username: 'ann', passwordHash: 'hash', isActive: false });
      expect(await under.users.findByUsername('ann')).toMatchObject({ isActive: false });
      expect(await under.users.findById(ann.id)).toMatchObject({ isActive: false });
    });

    test.each([
      'ANN',
      'Ann',
      'ánn',
      'ann ',
      ' ann',
      'an',
      'annn',
      'ann\0',
      'ａｎｎ',
      '',
      "ann' OR '1'='1",
      '%',
      '?',
    ])('does not take %j for ann', async (username) => {
      await addNamed('ann');
      expect(await under.users.findByUsername(username)).toBeNull();
    });

    test.each([
      'ann ',
      ' ann',
      'Zoë',
      'Zoe\u0308',
      'ß',
      '😀😀',
      '李小龙',
      `O'Brien "x" \\ % _ ? ; --`,
      'a\0b\n\r\t',
      'é'.repeat(150),
      '😀'.repeat(150),
    ])('finds %j as it was written', async (username) => {
      const user = await addNamed(username);
      expect(await under.users.findByUsername(username)).toEqual(user);
    });

    test('keeps names apart that differ in case, accents or composition', async () => {
      const names = ['zoe', 'Zoe', 'zoë', 'zoe\u0308', 'zøe'];
      const added = [];
      for (const each of names) added.push(await addNamed(each));
      for (const [i, each] of names.entries())
        expect(await under.users.findByUsername(each)).toEqual(added[i]);
    });

    test('nobody has an id that was not given out', async () => {
      await addNamed('ann');
      for (const id of ['999999999', '18446744073709551615', '0'])
        expect(await under.users.findById(id as UserId)).toBeNull();
    });

    describe('replacePasswordHash', () => {
      test('replaces the hash that it is told is there', async () => {
        const ann = await under.add({ username: 'ann', passwordHash: 'old' });
        const bob = await under.add({ username: 'bob', passwordHash: 'old' });
        expect(await under.users.replacePasswordHash(ann.id, 'old', 'new')).toBe(true);
        expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: 'new' });
        expect(await under.users.findById(bob.id)).toMatchObject({ passwordHash: 'old' });
      });

      test.each(['another', 'OLD', '', 'ol', 'old1'])(
        'leaves it when %j is thought to be there',
        async (hash) => {
          const ann = await under.add({ username: 'ann', passwordHash: 'old' });
          expect(await under.users.replacePasswordHash(ann.id, hash, 'new')).toBe(false);
          expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: 'old' });
        },
      );

      test('repeated, answers false and changes nothing', async () => {
        const ann = await under.add({ username: 'ann', passwordHash: 'old' });
        await under.users.replacePasswordHash(ann.id, 'old', 'new');
        expect(await under.users.replacePasswordHash(ann.id, 'old', 'new')).toBe(false);
        expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: 'new' });
      });

      test('of two at the same time, one wins', async () => {
        const ann = await under.add({ username: 'ann', passwordHash: 'old' });
        const hashes = ['one', 'two', 'three'];
        const answers = await Promise.all(
          hashes.map((hash) => under.users.replacePasswordHash(ann.id, 'old', hash)),
        );
        expect(answers.filter((isReplaced) => isReplaced)).toHaveLength(1);
        const winner = hashes[answers.indexOf(true)];
        expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: winner });
      });

      test('for nobody answers false', async () => {
        expect(await under.users.replacePasswordHash('999999999' as UserId, 'old', 'new')).toBe(false);
      });
    });
  });
}
