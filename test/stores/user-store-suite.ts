import { beforeEach, describe, expect, test } from 'vitest';
import type { User, UserStore } from '../../src/auth/user-store.ts';
import type { UserId } from '../../src/lib/ids.ts';

/** One implementation, without users. */
export interface UserStoreUnderTest {
  readonly users: UserStore;
  /** As the operator adds a user. */
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

    test('reports who is inactive', async () => {
      const ann = await under.add({ username: 'ann', passwordHash: 'hash', isActive: false });
      expect(await under.users.findByUsername('ann')).toMatchObject({ isActive: false });
      expect(await under.users.findById(ann.id)).toMatchObject({ isActive: false });
    });

    test.each([
      'ANN',
      'Ann',
      'ánn',
      'an n',
      'an',
      'annn',
      'ann\0',
      'an\u200bn',
      'аnn',
      '',
      "ann' OR '1'='1",
      '%',
      '?',
    ])('does not find ann by %j', async (username) => {
      await addNamed('ann');
      expect(await under.users.findByUsername(username)).toBeNull();
    });

    test.each(['ann ', ' ann', '\tann\r\n', '\u00a0ann\u3000', '\ufeffann', 'ａｎｎ', ' ⓐnn'])(
      'finds ann by %j too',
      async (username) => {
        const ann = await addNamed('ann');
        expect(await under.users.findByUsername(username)).toEqual(ann);
      },
    );

    test('prefers the name as it was typed, and never finds another spelling than the normal one', async () => {
      const ligature = await addNamed('ﬁn');
      expect(await under.users.findByUsername('fin')).toBeNull();
      expect(await under.users.findByUsername('ﬁn ')).toBeNull();
      const plain = await addNamed('fin');
      expect(await under.users.findByUsername('ﬁn')).toEqual(ligature);
      expect(await under.users.findByUsername('fin')).toEqual(plain);
      expect(await under.users.findByUsername('ﬁn ')).toEqual(plain);
      // As long as the other candidate, but equal to it only without the spaces.
      await addNamed('ab  ');
      expect(await under.users.findByUsername('ａb')).toBeNull();
    });

    test.each([
      'ann ',
      ' ann',
      '\ufeffann',
      'Zoë',
      'Zoe\u0308',
      'ß',
      '😀😀',
      '李小龙',
      `O'Brien "x" \\ % _ ? ; --`,
      'a\0b\n\r\t',
      'é'.repeat(150),
      '😀'.repeat(150),
    ])('finds %j exactly as written', async (username) => {
      const user = await addNamed(username);
      expect(await under.users.findByUsername(username)).toEqual(user);
    });

    test('distinguishes names by case, accents and composition', async () => {
      const names = ['zoe', 'Zoe', 'zoë', 'zoe\u0308', 'zøe'];
      const added = [];
      for (const each of names) added.push(await addNamed(each));
      for (const [i, each] of names.entries())
        expect(await under.users.findByUsername(each)).toEqual(added[i]);
    });

    test('finds no user by an unknown id', async () => {
      await addNamed('ann');
      for (const id of ['999999999', '18446744073709551615', '0'])
        expect(await under.users.findById(id as UserId)).toBeNull();
    });

    describe('replacePasswordHash', () => {
      test('replaces the expected hash', async () => {
        const ann = await under.add({ username: 'ann', passwordHash: 'old' });
        const bob = await under.add({ username: 'bob', passwordHash: 'old' });
        expect(await under.users.replacePasswordHash(ann.id, 'old', 'new')).toBe(true);
        expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: 'new' });
        expect(await under.users.findById(bob.id)).toMatchObject({ passwordHash: 'old' });
      });

      test.each(['another', 'OLD', '', 'ol', 'old1'])('changes nothing if %j was expected', async (hash) => {
        const ann = await under.add({ username: 'ann', passwordHash: 'old' });
        expect(await under.users.replacePasswordHash(ann.id, hash, 'new')).toBe(false);
        expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: 'old' });
      });

      test('repeated, returns false and changes nothing', async () => {
        const ann = await under.add({ username: 'ann', passwordHash: 'old' });
        await under.users.replacePasswordHash(ann.id, 'old', 'new');
        expect(await under.users.replacePasswordHash(ann.id, 'old', 'new')).toBe(false);
        expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: 'new' });
      });

      test('of several at the same time, one wins', async () => {
        const ann = await under.add({ username: 'ann', passwordHash: 'old' });
        const hashes = ['one', 'two', 'three'];
        const results = await Promise.all(
          hashes.map((hash) => under.users.replacePasswordHash(ann.id, 'old', hash)),
        );
        expect(results.filter((isReplaced) => isReplaced)).toHaveLength(1);
        const winner = hashes[results.indexOf(true)];
        expect(await under.users.findById(ann.id)).toMatchObject({ passwordHash: winner });
      });

      test('returns false for an unknown user', async () => {
        expect(await under.users.replacePasswordHash('999999999' as UserId, 'old', 'new')).toBe(false);
      });
    });
  });
}
