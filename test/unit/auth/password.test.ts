import { createHash, pbkdf2Sync, scryptSync } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { hashPassword, parseHash, rehashRounds, verifyPassword } from '../../../src/auth/password.ts';

/** The lowest cost that a stored hash may have. */
const ROUNDS = 4;
const verify = (password: string, encoded: string | null) => verifyPassword(password, encoded, ROUNDS);

/** Like Django's BCryptSHA256PasswordHasher. */
const djangoSha256 = (password: string, rounds = ROUNDS): string =>
  'bcrypt_sha256$' + bcrypt.hashSync(createHash('sha256').update(password).digest('hex'), rounds);
const bare = (password: string): string => bcrypt.hashSync(password, ROUNDS);
/** Like Django's PBKDF2PasswordHasher. */
const pbkdf2 = (password: string, iterations = 1000, salt = 'seasalt'): string =>
  `pbkdf2_sha256$${iterations}$${salt}$${pbkdf2Sync(password, salt, iterations, 32, 'sha256').toString('base64')}`;

/** Like Django's ScryptPasswordHasher. */
const scrypt = (password: string, [n, r, p] = [16, 2, 1], salt = 'seasalt'): string => {
  const hash = scryptSync(password, salt, 64, { N: n ?? 0, r: r ?? 0, p: p ?? 0, maxmem: 2 ** 28 });
  return `scrypt$${n}$${salt}$${r}$${p}$${hash.toString('base64')}`;
};

afterEach(() => vi.restoreAllMocks());

describe('known vectors', () => {
  // John the Ripper's and crypt_blowfish's own tests.
  test.each([
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
    ['U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
    ['', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
  ])('bcrypt of %j', async (password, hash) => {
    expect(await verify(password, hash)).toBe(true);
    expect(await verify(password, `bcrypt$${hash}`)).toBe(true);
    expect(await verify(`${password}x`, hash)).toBe(false);
  });

  // RFC 7914 section 11 (PBKDF2-HMAC-SHA256), the first 32 bytes.
  test.each([
    ['passwd', 1, 'salt', '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'],
    ['Password', 80_000, 'NaCl', '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56'],
  ])('PBKDF2 of %j', async (password, iterations, salt, hex) => {
    const hash = Buffer.from(hex, 'hex').toString('base64');
    const encoded = `pbkdf2_sha256$${iterations}$${salt}$${hash}`;
    expect(await verify(password, encoded)).toBe(true);
    expect(await verify(`${password} `, encoded)).toBe(false);
  });
});

// RFC 7914 section 12.
test.each([
  [
    'password',
    [1024, 8, 16],
    'NaCl',
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
  ],
  [
    'pleaseletmein',
    [16384, 8, 1],
    'SodiumChloride',
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
  ],
])('scrypt of %j', async (password, [n, r, p], salt, hex) => {
  const encoded = `scrypt$${n}$${salt}$${r}$${p}$${Buffer.from(hex, 'hex').toString('base64')}`;
  expect(await verify(password, encoded)).toBe(true);
  expect(await verify(`${password} `, encoded)).toBe(false);
});

const PASSWORDS = [
  'correct horse battery staple',
  'x',
  ' leading and trailing ',
  'pässwörd 😀 李',
  'pa\u0308sswo\u0308rd',
  'nul\0inside',
  '\0\0x',
  'a'.repeat(72),
  'b'.repeat(73),
  '😀'.repeat(1024),
];

describe.each([
  { format: 'bcrypt_sha256$$2b$', make: djangoSha256 },
  { format: 'bcrypt_sha256$$2a$', make: (p: string) => djangoSha256(p).replaceAll('$2b$', '$2a$') },
  { format: 'pbkdf2_sha256$', make: (p: string) => pbkdf2(p, 50) },
  { format: 'scrypt$', make: (p: string) => scrypt(p) },
])('$format', ({ make }) => {
  test('matches the password it was made from, whatever that is, and no other', async () => {
    for (const password of PASSWORDS) {
      const hash = make(password);
      expect([password, await verify(password, hash)]).toEqual([password, true]);
      for (const other of [`${password}x`, password.slice(1), `${password.toUpperCase()} `])
        expect([other, await verify(other, hash)]).toEqual([other, false]);
    }
  });

  test('passwords that differ only after 72 bytes are different', async () => {
    const long = 'p'.repeat(72);
    expect(await verify(`${long}1`, make(`${long}1`))).toBe(true);
    expect(await verify(`${long}2`, make(`${long}1`))).toBe(false);
  });

  test('passwords that differ only after a NUL are different', async () => {
    expect(await verify('a\0b', make('a\0c'))).toBe(false);
    expect(await verify('a', make('a\0c'))).toBe(false);
    expect(await verify('a\0c', make('a'))).toBe(false);
  });

  test('composed and decomposed letters differ: nothing is normalised', async () => {
    expect(await verify('\u00e4', make('a\u0308'))).toBe(false);
  });
});

describe('bare bcrypt', () => {
  const hash = bare('password');
  test.each(['$2a$', '$2b$', '$2y$'])('%s, with and without the prefix that Django adds', async (version) => {
    const own = version + hash.slice(4);
    expect(await verify('password', own)).toBe(true);
    expect(await verify('password', `bcrypt$${own}`)).toBe(true);
    expect(await verify('Password', own)).toBe(false);
  });

  test('a password with a NUL never matches: other implementations stop there', async () => {
    expect(await verify('pass\0word', bare('pass\0word'))).toBe(false);
    expect(await verify('password\0', hash)).toBe(false);
  });

  test('the digest of a password is not the password', async () => {
    const digest = createHash('sha256').update('password').digest('hex');
    expect(await verify(digest, djangoSha256('password'))).toBe(false);
    expect(await verify('password', `bcrypt_sha256$${hash}`)).toBe(false);
  });
});

describe('hashes that never match', () => {
  const good = bare('password');
  test.each([
    ['no such user', null],
    ['empty', ''],
    ['Django, unusable', '!'],
    ['Django, unusable with its random part', '!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN'],
    ['plain text', 'password'],
    ['md5', 'md5$salt$5f4dcc3b5aa765d61d8327deb882cf99'],
    ['unsalted md5', '5f4dcc3b5aa765d61d8327deb882cf99'],
    ['sha1', 'sha1$salt$x'],
    ['argon2', 'argon2$argon2id$v=19$m=102400,t=2,p=8$x$y'],
    ['scrypt, cut short', 'scrypt$16384$salt$8$1$x'],
    ['scrypt, N no power of two', scrypt('password').replace('$16$', '$24$')],
    ['scrypt, N of 1', scrypt('password').replace('$16$', '$1$')],
    ['scrypt without blocks', scrypt('password').replace('$2$1$', '$0$1$')],
    ['scrypt, too many blocks', scrypt('password').replace('$2$1$', '$99999999$1$')],
    ['scrypt without salt', scrypt('password').replace('seasalt', '')],
    ['scrypt that costs too much', scrypt('password').replace('$16$', '$262144$').replace('$2$1$', '$8$1$')],
    ['pbkdf2 with SHA-1', pbkdf2('password').replace('pbkdf2_sha256', 'pbkdf2_sha1')],
    ['no iterations', pbkdf2('password').replace('$1000$', '$0$')],
    ['a broken base64', pbkdf2('password').replace(/=$/, '')],
    ['cost below 4', good.replace('$04$', '$03$')],
    ['cost above 14', good.replace('$04$', '$15$')],
    ['cost 31', good.replace('$04$', '$31$')],
    ['cut short', good.slice(0, -1)],
    ['with something after it', `${good}x`],
    ['with a newline after it', `${good}\n`],
    ['with a space before', ` ${good}`],
    ['another version', good.replace('$2b$', '$2x$')],
    ['no version', good.replace('$2b$', '$2$')],
    ['the prefix twice', `bcrypt$bcrypt$${good}`],
    ['only the prefix', 'bcrypt_sha256$'],
  ])('%s', async (_, encoded) => {
    for (const password of ['password', '', '!', encoded ?? ''])
      expect(await verify(password, encoded)).toBe(false);
  });

  test.each([null, '', '!', 'md5$salt$x', good.replace('$04$', '$31$'), pbkdf2('password', 2_000_001)])(
    '%j costs one bcrypt of the configured cost, as for a user who exists',
    async (encoded) => {
      const compare = vi.spyOn(bcrypt, 'compare');
      expect(await verifyPassword('password', encoded, 5)).toBe(false);
      expect(compare).toHaveBeenCalledTimes(1);
      const [tried, against] = compare.mock.calls[0]!;
      expect(against).toMatch(/^\$2b\$05\$[./A-Za-z0-9]{53}$/);
      // As long as what is hashed for a user who exists.
      expect(tried).toHaveLength(64);
    },
  );

  test('more PBKDF2 iterations than allowed', async () => {
    const hash = pbkdf2('password', 1001);
    expect(await verifyPassword('password', hash, ROUNDS, 1001)).toBe(true);
    expect(await verifyPassword('password', hash, ROUNDS, 1000)).toBe(false);
  });
});

describe('hashPassword', () => {
  let hash: string;
  beforeAll(async () => {
    hash = await hashPassword('pässwörd', ROUNDS);
  });

  test('writes a hash that Django can read', () => {
    expect(hash).toMatch(/^bcrypt_sha256\$\$2b\$04\$[./A-Za-z0-9]{53}$/);
    const digest = createHash('sha256').update('pässwörd').digest('hex');
    expect(bcrypt.compareSync(digest, hash.slice('bcrypt_sha256$'.length))).toBe(true);
    expect(hash.length).toBeLessThanOrEqual(255);
  });

  test('and that verifies here, with a new salt each time', async () => {
    expect(await verify('pässwörd', hash)).toBe(true);
    expect(await hashPassword('pässwörd', ROUNDS)).not.toBe(hash);
  });
});

test.each([
  [2 ** 15, 8, 4, true],
  [2 ** 15, 8, 5, false],
  [2 ** 17, 8, 1, true],
  [2 ** 18, 8, 1, false],
  [2, 1, 2 ** 19, true],
  [2, 2 ** 19, 2, false],
])('scrypt is checked up to N·r·p of 2^20: %d, %d, %d', (n, r, p, expected) => {
  const hash = Buffer.alloc(64).toString('base64');
  expect(parseHash(`scrypt$${n}$seasalt$${r}$${p}$${hash}`) !== null).toBe(expected);
});

describe('rehashRounds', () => {
  test.each([
    ['what the service writes', djangoSha256('x', 5), null],
    ['the same in an older version', djangoSha256('x', 5).replace('$2b$', '$2a$'), null],
    ['a lower cost', djangoSha256('x', 4), 5],
    ['a higher cost', djangoSha256('x', 6), null],
    ['plain bcrypt', bare('x'), 5],
    ["Django's plain bcrypt", `bcrypt$${bare('x')}`, 5],
    ['plain bcrypt of a higher cost', bare('x').replace('$04$', '$12$'), 12],
    ['PBKDF2', pbkdf2('x'), 5],
    ['scrypt', scrypt('x'), 5],
    ['an unusable hash', '!', 5],
  ])('%s: %#', (_, encoded, expected) => {
    expect(rehashRounds(encoded, 'x', 5)).toBe(expected);
  });

  test('plain bcrypt stays if it covers only a part of the password', () => {
    for (const [password, expected] of [
      ['a'.repeat(72), 5],
      ['a'.repeat(73), null],
      ['é'.repeat(36), 5],
      ['é'.repeat(37), null],
    ] as const) {
      expect(rehashRounds(bare(password), password, 5)).toBe(expected);
      expect(rehashRounds(pbkdf2(password), password, 5)).toBe(5);
    }
  });
});
