import { expect, test } from 'vitest';
import { parseDatabaseUrl } from '../../../src/lib/database-url.ts';
import fc, { anyText } from '../../fakes/property.ts';

test.each([
  [
    'mysql://u1x:pscale_pw_AbC@aws.connect.psdb.cloud/main?sslaccept=strict',
    { protocol: 'https:', host: 'aws.connect.psdb.cloud', username: 'u1x', password: 'pscale_pw_AbC' },
  ],
  [
    'mysql://u:p@host/db?ssl={"rejectUnauthorized":true}',
    { protocol: 'https:', host: 'host', username: 'u', password: 'p' },
  ],
  ['https://u:p@host/', { protocol: 'https:', host: 'host', username: 'u', password: 'p' }],
  [
    'http://local:s%2Fe%40c@127.0.0.1:3307/app',
    { protocol: 'http:', host: '127.0.0.1:3307', username: 'local', password: 's/e@c' },
  ],
  [
    'mysql://%C3%BC:%F0%9F%94%91@host/db',
    { protocol: 'https:', host: 'host', username: 'ü', password: '🔑' },
  ],
])('%s', (text, credentials) => {
  expect(parseDatabaseUrl(text)).toEqual(credentials);
});

test.each([
  '',
  'host',
  'mysql:',
  'mysql://',
  'mysql://host/db',
  'mysql://user@host/db',
  'mysql://:password@host/db',
  'mysql://user:@host/db',
  'mysql://u:p@/db',
  'mysql://u:%ff@host/db',
  'mysql://u:100%@host/db',
  'postgres://u:p@host/db',
  'mysqls://u:p@host/db',
  'http://u:p@host/db',
  'http://u:p@10.0.0.1:3307/db',
  'http://u:p@localhost.evil.example/db',
  'http://u:p@127.0.0.1.evil.example/db',
  'javascript:u:p@host',
])('%j is no DATABASE_URL', (text) => {
  expect(parseDatabaseUrl(text)).toBeNull();
});

test('any encoded credentials are decoded to what they were', () => {
  const text = anyText({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(text, text, fc.constantFrom('mysql', 'https', 'http'), (username, password, scheme) => {
      const url = `${scheme}://${encodeURIComponent(username)}:${encodeURIComponent(password)}@localhost/db`;
      expect(parseDatabaseUrl(url)).toMatchObject({ username, password, host: 'localhost' });
    }),
  );
});

test('never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseDatabaseUrl(`mysql://${text}`)));
});
