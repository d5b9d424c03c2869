import { isIPv4, isIPv6 } from 'node:net';
import { describe, expect, test } from 'vitest';
import { networkOf, parseIpAddress, readClientInfo, siteOf } from '../../../src/lib/client-info.ts';
import fc, { anyText } from '../../fakes/property.ts';

/** A request as Workers receive it: header values may hold any character, and there is `cf`. */
function requestWith(headers: Record<string, string>, cf?: unknown): Request {
  const map = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    headers: { get: (name: string) => map.get(name.toLowerCase()) ?? null },
    cf,
  } as unknown as Request;
}

describe('readClientInfo', () => {
  test('reads the headers that Cloudflare sets', () => {
    const request = requestWith({
      'CF-Connecting-IP': '203.0.113.7',
      'User-Agent': 'Mozilla/5.0',
      'CF-IPCountry': 'DE',
    });
    expect(readClientInfo(request)).toEqual({
      ipAddress: '203.0.113.7',
      userAgent: 'Mozilla/5.0',
      country: 'DE',
    });
  });

  test('absent and empty headers are null', () => {
    const nothing = { ipAddress: null, userAgent: null, country: null };
    expect(readClientInfo(requestWith({}))).toEqual(nothing);
    const empty = { 'CF-Connecting-IP': '', 'User-Agent': '', 'CF-IPCountry': '' };
    expect(readClientInfo(requestWith(empty))).toEqual(nothing);
  });

  test.each([
    'X-Forwarded-For',
    'Forwarded',
    'X-Real-IP',
    'True-Client-IP',
    'CF-Connecting-IPv6',
    'X-Client-IP',
  ])('never trusts %s', (name) => {
    expect(readClientInfo(requestWith({ [name]: '6.6.6.6' })).ipAddress).toBeNull();
    const both = requestWith({ [name]: '2001:db8::6', 'CF-Connecting-IP': '203.0.113.7' });
    expect(readClientInfo(both).ipAddress).toBe('203.0.113.7');
  });

  test.each([
    ['239.255.255.255', '239.255.255.255'],
    ['240.0.0.0', '2001:db8::1'],
    ['249.1.2.3', '2001:db8::1'],
    ['255.255.255.255', '2001:db8::1'],
    ['24.0.0.1', '24.0.0.1'],
    ['2001:db8::2', '2001:db8::2'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:240.1.2.3', '2001:db8::1'],
  ])('CF-Connecting-IP %s, with an IPv6 address too: %s', (connecting, expected) => {
    const headers = { 'CF-Connecting-IP': connecting, 'CF-Connecting-IPv6': '2001:DB8:0:0::1' };
    expect(readClientInfo(requestWith(headers)).ipAddress).toBe(expected);
  });

  test('a pseudo address without an IPv6 address is null', () => {
    expect(readClientInfo(requestWith({ 'CF-Connecting-IP': '240.1.2.3' })).ipAddress).toBeNull();
  });

  test.each([
    ['DE', undefined, 'DE'],
    ['XX', undefined, 'XX'],
    ['T1', { country: 'DE' }, 'DE'],
    ['T1', {}, 'T1'],
    [undefined, { country: 'FR' }, 'FR'],
    [undefined, {}, null],
    [undefined, { country: 7 }, null],
    [undefined, null, null],
    ['de', undefined, null],
    ['DEU', undefined, null],
    ['D\n', undefined, null],
    ['', { country: 'FR' }, 'FR'],
  ])('country header %j and cf %j: %j', (header, cf, expected) => {
    const headers: Record<string, string> = header === undefined ? {} : { 'CF-IPCountry': header };
    expect(readClientInfo(requestWith(headers, cf)).country).toBe(expected);
  });

  describe('a user agent', () => {
    const agentOf = (text: string): string | null =>
      readClientInfo(requestWith({ 'User-Agent': text })).userAgent;

    test('is cut after 512 characters, an emoji being one', () => {
      expect(agentOf('x'.repeat(512))).toBe('x'.repeat(512));
      expect(agentOf('x'.repeat(513))).toBe('x'.repeat(512));
      expect(agentOf('😀'.repeat(512))).toBe('😀'.repeat(512));
      expect(agentOf('😀'.repeat(600))).toBe('😀'.repeat(512));
      expect(agentOf(`${'x'.repeat(511)}😀y`)).toBe(`${'x'.repeat(511)}😀`);
    });

    test('is well-formed and starts as what was sent', () => {
      const long = anyText({ minLength: 500, maxLength: 1500 });
      fc.assert(
        fc.property(fc.oneof(anyText({ minLength: 1 }), long), (text) => {
          const agent = agentOf(text) ?? '';
          expect(text.startsWith(agent)).toBe(true);
          expect([...agent].length).toBe(Math.min(512, [...text].length));
        }),
      );
      expect(agentOf('a\ud83d b')?.isWellFormed()).toBe(true);
    });
  });
});

describe('parseIpAddress', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:CB00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:0:0', '0.0.0.0'],
    ['::ffff:0:203.0.113.7', '::ffff:0:cb00:7107'],
    ['::203.0.113.7', '::cb00:7107'],
  ])('%s becomes %s', (text, expected) => {
    expect(parseIpAddress(text)).toBe(expected);
  });

  test.each([
    '',
    ' ',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4.',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '0x1.2.3.4',
    '1.2.3.4:80',
    '16909060',
    '1.2.3.4, 5.6.7.8',
    'localhost',
    ':',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '[::1]',
    '::1%eth0',
    '::1/64',
    ' ::1',
    '::1\n',
    ':\t:1',
    '::1]/[',
    '::1]:80/',
    '::1]@[::2',
    '::1]#',
    'a@[::1',
  ])('%j is no address', (text) => {
    expect(parseIpAddress(text)).toBeNull();
  });

  test('null is no address', () => expect(parseIpAddress(null)).toBeNull());

  test('agrees with the platform on what is an address, and leaves canonical ones unchanged', () => {
    const near = fc.string({
      unit: fc.constantFrom(...'0123456789abcdefABCDEF:.[]/%@\t\n x'),
      maxLength: 45,
    });
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), near, fc.string()), (text) => {
        const result = parseIpAddress(text);
        expect(result !== null).toBe(isIPv4(text) || (isIPv6(text) && !text.includes('%')));
        if (result === null) return;
        expect(result).toMatch(/^[0-9a-f:.]{2,45}$/);
        expect(parseIpAddress(result)).toBe(result);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('siteOf', () => {
  test.each([
    ['203.0.113.7', null],
    ['2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:db8:0:0::/64', '2001:db8:0::/48'],
    ['0:0:0:0::/64', '0:0:0::/48'],
  ])('%s is in %s', (network, site) => {
    expect(siteOf(network)).toBe(site);
  });

  test('every IPv6 address has one, IPv4 addresses none, mapped ones included', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const address = parseIpAddress(text)!;
        expect(siteOf(networkOf(address)!) !== null).toBe(address.includes(':'));
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(networkOf(parseIpAddress(`::ffff:${text}`))).toBe(text);
      }),
    );
  });
});

describe('networkOf', () => {
  test.each([
    [null, null],
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1::', '2001:db8:1:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::8', '1:0:0:0::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['::2:3:4:5:6:7:8', '0:2:3:4::/64'],
  ])('%s is in %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });

  test('IPv6 addresses are in one network if their first 64 bits are the same', () => {
    const group = fc.constantFrom('0', '1', 'ffff', 'db8');
    const halves = fc.tuple(group, group, group, group);
    const canonical = (groups: string[]): string => parseIpAddress(groups.join(':'))!;
    fc.assert(
      fc.property(halves, halves, halves, halves, (net, host, otherNet, otherHost) => {
        const network = networkOf(canonical([...net, ...host]));
        expect(network).toBe(networkOf(canonical([...net, ...otherHost])));
        const isSame = net.join() === otherNet.join();
        expect(network === networkOf(canonical([...otherNet, ...host]))).toBe(isSame);
      }),
    );
  });
});
