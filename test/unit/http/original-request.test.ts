import { describe, expect, test } from 'vitest';
import {
  findAppOrigin,
  readForwardedRequest,
  readNginxRequest,
  wantsPage,
} from '../../../src/http/original-request.ts';

const forwarded = (proto: string, host: string, uri: string) =>
  readForwardedRequest(
    new Headers({ 'X-Forwarded-Proto': proto, 'X-Forwarded-Host': host, 'X-Forwarded-Uri': uri }),
  );

describe('the original request', () => {
  test('is the same from nginx and from the others', () => {
    const url = new URL('https://app.example.org/x?a=1&b=2');
    expect(forwarded('https', 'app.example.org', '/x?a=1&b=2')).toEqual({ method: 'GET', url });
    expect(
      readNginxRequest(new Headers({ 'X-Original-URL': url.href, 'X-Original-Method': 'post' })),
    ).toEqual({ method: 'POST', url });
  });

  test('of a WebSocket has the address of a page', () => {
    expect(forwarded('wss', 'app.example.org', '/socket')?.url.href).toBe('https://app.example.org/socket');
  });

  test.each([
    ['', 'app.example.org', '/'],
    ['ftp', 'app.example.org', '/'],
    ['https', '', '/'],
    ['https', 'app example.org', '/'],
    ['https', 'a.example.org, b.example.org', '/'],
    ['https', 'app.example.org', ''],
    ['https', 'app.example.org', '@evil.example/'],
    ['https', 'app.example.org', '.evil.example/'],
  ])('is missing if a part is: %j %j %j', (proto, host, uri) => {
    expect(forwarded(proto, host, uri)).toBeNull();
  });
});

describe('the app’s origin', () => {
  const find = (own: string, text: string, hosts: string[] = []) =>
    findAppOrigin({ method: 'GET', url: new URL(text) }, new URL(own), { ALLOWED_REDIRECT_HOSTS: hosts });

  test.each([
    ['https://login.example.org', 'https://app.example.org/x', 'https://app.example.org'],
    ['https://login.example.org', 'http://app.example.org/x', 'https://app.example.org'],
    ['http://localhost:8787', 'http://app.example.org/', 'http://app.example.org'],
    ['http://localhost:8787', 'https://app.example.org/', 'https://app.example.org'],
  ])('seen from %s, of %s: %s', (own, text, origin) => {
    expect(find(own, text, ['app.example.org'])).toBe(origin);
  });

  test('our own host needs no list, another port does', () => {
    expect(find('http://localhost:8787', 'http://localhost:8787/x')).toBe('http://localhost:8787');
    expect(find('http://localhost:8787', 'http://localhost:3000/x')).toBeNull();
    expect(find('http://localhost:8787', 'http://localhost:3000/x', ['localhost:3000'])).toBe(
      'http://localhost:3000',
    );
  });

  test.each(['https://user@app.example.org/', 'https://:word@app.example.org/', 'https://evil.example/'])(
    'of %s: none',
    (text) => expect(find('https://login.example.org', text, ['app.example.org'])).toBeNull(),
  );
});

test.each([
  [{ 'Sec-Fetch-Mode': 'navigate' }, true],
  [{ 'Sec-Fetch-Mode': 'navigate', Upgrade: 'WebSocket' }, false],
  [{ 'Sec-Fetch-Mode': 'no-cors', Accept: 'text/html' }, false],
  [{ Accept: 'text/html,application/xhtml+xml' }, true],
  [{ Accept: '*/*' }, false],
  [{}, false],
])('%o wants a page: %s', (headers, expected) => {
  expect(wantsPage(new Headers(headers as Record<string, string>))).toBe(expected);
});
