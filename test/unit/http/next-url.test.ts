import { describe, expect, test } from 'vitest';
import { safeNextUrl } from '../../../src/http/next-url.ts';
import fc, { anyText } from '../../fakes/property.ts';

const BASE = new URL('https://login.example.org/sign-in/?next=x');
const ALLOWED = ['app.example.org', 'other.example:8443'];
const safe = (next: string | null | undefined, base = BASE): string | null =>
  safeNextUrl(next, base, ALLOWED);

describe('safe addresses', () => {
  test.each([
    ['/', '/'],
    ['/home/', '/home/'],
    ['/a/b?c=d&e=f#g', '/a/b?c=d&e=f#g'],
    ['/a/../b/./c', '/b/c'],
    ['/ünï/😀', '/%C3%BCn%C3%AF/%F0%9F%98%80'],
    ['/?next=//evil.com', '/?next=//evil.com'],
    ['/a//b', '/a//b'],
    ['/%2F%2Fevil.com', '/%2F%2Fevil.com'],
    ['/%0d%0aSet-Cookie:x', '/%0d%0aSet-Cookie:x'],
    ['/javascript:alert(1)', '/javascript:alert(1)'],
    ['/user@evil.com', '/user@evil.com'],
    // Absolute, on this origin.
    ['https://login.example.org/home/?a#b', '/home/?a#b'],
    ['https://login.example.org', '/'],
    ['https://LOGIN.example.org:443/x', '/x'],
    // Allowed hosts, with their port.
    ['https://app.example.org/x', 'https://app.example.org/x'],
    ['https://APP.example.org', 'https://app.example.org/'],
    ['https://other.example:8443/x', 'https://other.example:8443/x'],
  ])('%j leads to %j', (next, expected) => {
    expect(safe(next)).toBe(expected);
  });

  test('from plain http, allowed hosts may use http or https', () => {
    const base = new URL('http://localhost:8787/');
    expect(safe('http://app.example.org/', base)).toBe('http://app.example.org/');
    expect(safe('https://app.example.org/', base)).toBe('https://app.example.org/');
    expect(safe('http://localhost:8787/x', base)).toBe('/x');
  });
});

describe('unsafe addresses', () => {
  test.each([null, undefined, ''])('%j', (next) => expect(safe(next)).toBeNull());

  test.each([
    // Another host, to at least one parser.
    '//evil.com',
    '///evil.com',
    '////evil.com',
    '//login.example.org/x',
    '//app.example.org/x',
    '/\\evil.com',
    '\\\\evil.com',
    '\\/evil.com',
    '/..//evil.com',
    '/.//evil.com',
    '/a/..//evil.com',
    '/%2e%2e//evil.com',
    '/./%2E//evil.com',
    '/\t/evil.com',
    '/\n/evil.com',
    '\t//evil.com',
    ' //evil.com',
    '/ /evil.com',
    '/\u00a0/evil.com\u0000',
    'https://evil.com',
    'https://evil.com/login.example.org',
    'https://login.example.org.evil.com',
    'https://login.example.org@evil.com',
    'https://login.example.org:pw@evil.com',
    'https://user@login.example.org/',
    'https://user:pw@app.example.org/',
    'https://login.example.org:8443/',
    'https://app.example.org:8443/',
    'https://other.example/',
    'https:evil.com',
    'https:/evil.com',
    'https:///evil.com',
    'https://login.example.org//evil.com',
    'https://app.example.org//evil.com',
    'https://login.example.org/..//evil.com',
    // Plain http from https.
    'http://login.example.org/',
    'http://app.example.org/',
    // Other schemes.
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'javascript://login.example.org/%0aalert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://login.example.org/',
    'ws://login.example.org/',
    'blob:https://login.example.org/x',
    'view-source:https://login.example.org/',
    // Not a path.
    'home/',
    '?x',
    '#x',
    'login.example.org/x',
    '@evil.com',
    // What could end a header, or is not well-formed.
    '/\r\nSet-Cookie: x=y',
    '/\u0000',
    '/\u007f',
    '/\u0085x',
    '/x y',
    '/\ud800',
    'https://',
    'https://[::1',
    'https://%/',
  ])('%j', (next) => {
    expect(safe(next)).toBeNull();
  });
});

/** Strings that look like addresses more often than random ones. */
const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...[
        '/',
        '//',
        '\\',
        '..',
        '.',
        '%2e',
        '%2f',
        '%5c',
        '?',
        '#',
        '@',
        ':',
        ';',
        '&',
        '\t',
        '\n',
        '\r',
        '\0',
        ' ',
      ],
      ...[
        'http:',
        'https:',
        'HTTPS://',
        'javascript:',
        'data:',
        'evil.com',
        'login.example.org',
        'app.example.org',
      ],
      ...[
        'other.example:8443',
        'user:pw@',
        '[::1]',
        '127.0.0.1',
        '\u2028',
        '\u3002',
        '\uff0f',
        '\u00ad',
        '😀',
      ],
    ),
    fc.string({ maxLength: 3 }),
    anyText({ maxLength: 2 }),
  ),
  { maxLength: 12 },
);
const anyNext = fc.oneof(
  pieces.map((each) => each.join('')),
  pieces.map((each) => `/${each.join('')}`),
  pieces.map((each) => `https://${each.join('')}`),
  fc.webUrl(),
  fc.string(),
);

describe('for any string', () => {
  test.each(['https://login.example.org/sign-in/', 'http://localhost:8787/a/b'])('on %s', (href) => {
    const base = new URL(href);
    fc.assert(
      fc.property(anyNext, (next) => {
        const result = safe(next, base);
        if (result === null) return;
        // ASCII without controls, spaces or backslashes: nothing that ends or splits a header.
        expect(result).toMatch(/^[!-[\]-~]+$/);
        const isAllowed = (url: URL): boolean =>
          url.origin === base.origin ||
          (ALLOWED.includes(url.host) && (url.protocol === 'https:' || base.protocol === 'http:'));
        const once = new URL(result, base);
        expect(isAllowed(once)).toBe(true);
        expect(once.username + once.password).toBe('');
        // A client that resolves the path once more stays there as well.
        const twice = new URL(once.href.slice(once.origin.length), once);
        expect(isAllowed(twice)).toBe(true);
        expect(twice.href).toBe(once.href);
        // Checking the result again changes nothing.
        expect(safe(result, base)).toBe(result);
      }),
      { numRuns: 3000 },
    );
  });
});
