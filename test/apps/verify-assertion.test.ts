import type { IncomingHttpHeaders } from 'node:http';
import { base64url, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyAssertion } from '../../packages/client/src/verify-assertion.ts';
import { Issuer, newKey, nowSeconds, signClaims } from '../support/issuer.ts';
import { eventually } from '../support/people.ts';

const APP = 'https://app.example.org';
const HEADER = 'Hoskie-Jwt-Assertion';
const ADA = { status: 'valid', user: { id: '7', username: 'Ada 🌙' }, sessionId: 'a-session' };
const INVALID = { status: 'invalid', reason: 'invalid' };

let issuer: Issuer;
beforeEach(async () => (issuer = await Issuer.open()));
afterEach(() => issuer[Symbol.asyncDispose]());

const onUnavailable = vi.fn();
afterEach(() => onUnavailable.mockClear());

const verify = (assertion: string) =>
  verifyAssertion(new Request(APP, { headers: { [HEADER]: assertion } }), {
    issuer: issuer.origin,
    audience: APP,
    onUnavailable,
  });

describe('valid', () => {
  test('from a Request, from what Node receives, from bare headers; the keys are fetched once', async () => {
    const assertion = await issuer.assert(APP);
    const options = { issuer: `${issuer.origin}/`, audience: `${APP}/` };
    const headers = new Headers({ [HEADER]: assertion });
    const nodeHeaders: IncomingHttpHeaders = { host: 'app.example.org', 'hoskie-jwt-assertion': assertion };
    expect(await verifyAssertion(new Request(APP, { headers }), options)).toEqual(ADA);
    expect(await verifyAssertion({ headers }, options)).toEqual(ADA);
    expect(await verifyAssertion({ headers: nodeHeaders }, options)).toEqual(ADA);
    // As AWS Lambda passes them on.
    expect(await verifyAssertion({ headers: { 'HOSKIE-Jwt-Assertion': assertion } }, options)).toEqual(ADA);
    expect(await verifyAssertion({ headers: { [HEADER]: [assertion], a: undefined } }, options)).toEqual(ADA);
    expect(issuer.fetches).toBe(1);
  });

  test('within ten seconds of its end, as clocks differ', async () => {
    expect(await verify(await issuer.assert(APP, { exp: nowSeconds() - 5 }))).toEqual(ADA);
  });
});

describe('invalid', () => {
  test('missing: without the header or with an empty one; needs no keys', async () => {
    const missing = { status: 'invalid', reason: 'missing' };
    const options = { issuer: issuer.origin, audience: APP };
    expect(await verify('')).toEqual(missing);
    expect(await verifyAssertion(new Request(APP), options)).toEqual(missing);
    expect(await verifyAssertion({ headers: {} }, options)).toEqual(missing);
    expect(issuer.fetches).toBe(0);
  });

  test('expired', async () => {
    const assertion = await issuer.assert(APP, { exp: nowSeconds() - 20 });
    expect(await verify(assertion)).toEqual({ status: 'invalid', reason: 'expired' });
  });

  test('another audience, another issuer', async () => {
    expect(await verify(await issuer.assert('https://other.example.org'))).toEqual(INVALID);
    expect(await verify(await issuer.assert(APP, { iss: 'https://login.example.org' }))).toEqual(INVALID);
  });

  test.each(['aud', 'iss', 'sub', 'preferred_username', 'sid', 'iat', 'exp'])('without %s', async (claim) => {
    expect(await verify(await issuer.assert(APP, { [claim]: undefined }))).toEqual(INVALID);
  });

  test.each(['sub', 'preferred_username', 'sid'])('%s is empty or no text', async (claim) => {
    expect(await verify(await issuer.assert(APP, { [claim]: '' }))).toEqual(INVALID);
    expect(await verify(await issuer.assert(APP, { [claim]: 7 }))).toEqual(INVALID);
  });

  test('tampered: other claims under the same signature, or none', async () => {
    const [header, , signature] = (await issuer.assert(APP)).split('.');
    const [, claims] = (await issuer.assert(APP, { sub: '1' })).split('.');
    expect(await verify(`${header}.${claims}.${signature}`)).toEqual(INVALID);
    expect(await verify(`${header}.${claims}.`)).toEqual(INVALID);
  });

  test('not signed at all: alg none', async () => {
    const claims = { iss: issuer.origin, aud: APP, sub: '1', preferred_username: 'root', sid: 's' };
    const unsecured = new UnsecuredJWT({ ...claims, iat: nowSeconds(), exp: nowSeconds() + 300 }).encode();
    expect(await verify(unsecured)).toEqual(INVALID);
  });

  test("signed with HMAC and the public key as its secret, or by somebody else's key under our key id", async () => {
    const [, claims] = (await issuer.assert(APP)).split('.');
    const header = base64url.encode(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: 'first' }));
    const secret = new TextEncoder().encode(JSON.stringify(issuer.published[0]!.publicJwk));
    const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ]);
    const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${header}.${claims}`));
    expect(await verify(`${header}.${claims}.${base64url.encode(new Uint8Array(mac))}`)).toEqual(INVALID);
    expect(await verify(await issuer.assert(APP, {}, await newKey('first')))).toEqual(INVALID);
  });

  test('an event token, which the same key signs', async () => {
    const claims = { iss: issuer.origin, aud: APP, sub: '7', preferred_username: 'ada', sid: 's' };
    const event = { ...claims, iat: nowSeconds(), exp: nowSeconds() + 300 };
    expect(await verify(await signClaims(event, issuer.published[0]!, 'secevent+jwt'))).toEqual(INVALID);
  });

  test('two in one request, as Node and fetch join them, or apart', async () => {
    const assertion = await issuer.assert(APP);
    expect(await verify(`${assertion}, ${assertion}`)).toEqual(INVALID);
    const options = { issuer: issuer.origin, audience: APP };
    for (const headers of [
      { [HEADER]: assertion, [HEADER.toLowerCase()]: assertion },
      { [HEADER]: [assertion, assertion] },
    ])
      expect(await verifyAssertion({ headers }, options)).toEqual(INVALID);
  });

  test.each(['x', '..', 'a.b.c', 'null', '{}', `${'A'.repeat(5000)}.e30.AA`])(
    'garbage: %.20s',
    async (garbage) => {
      expect(await verify(garbage)).toEqual(INVALID);
    },
  );
});

describe('key rotation', () => {
  test('a key that was published a moment after the last fetch is found, without a refusal', async () => {
    expect(await verify(await issuer.assert(APP))).toEqual(ADA);
    const inFlight = await issuer.assert(APP);
    const next = await newKey('next');
    issuer.published = [next, ...issuer.published];
    const results = await Promise.all([
      verify(inFlight),
      ...Array.from({ length: 10 }, async () => verify(await issuer.assert(APP))),
    ]);
    expect(results).toEqual(Array.from({ length: 11 }, () => ADA));
    expect(issuer.fetches).toBe(2);
  });

  test('made-up key ids cause one fetch a second, not one each', async () => {
    await verify(await issuer.assert(APP));
    const key = await newKey('made-up');
    const startedAtMs = performance.now();
    const results = await Promise.all(
      Array.from({ length: 20 }, async () => verify(await issuer.assert(APP, {}, key))),
    );
    expect(results).toEqual(Array.from({ length: 20 }, () => INVALID));
    expect(issuer.fetches).toBe(2);
    expect(await verify(await issuer.assert(APP, {}, key))).toEqual(INVALID);
    expect(issuer.fetches).toBe(3);
    expect(performance.now() - startedAtMs).toBeGreaterThan(2000);
  });
});

describe('unknown: the keys are out of reach', () => {
  test.each<[string, Issuer['respond']]>([
    ['an error', (_, response) => response.writeHead(500).end()],
    ['a page', (_, response) => response.setHeader('Content-Type', 'text/html').end('<p>Hello</p>')],
    ['no key set', (_, response) => response.end('{"keys": 1}')],
    ['a redirect', (_, response) => response.writeHead(302, { Location: '/elsewhere' }).end()],
    ['a broken connection', (request) => request.socket.destroy()],
    ['no response', () => undefined],
  ])('%s; it recovers by itself', async (_, respond) => {
    issuer.respond = respond;
    const assertion = await issuer.assert(APP);
    expect(await verify(assertion)).toEqual({ status: 'unknown' });
    expect(onUnavailable).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        message: expect.stringContaining(`${issuer.origin}/.well-known/jwks.json`) as unknown,
      }),
    );
    issuer.respond = null;
    await eventually(async () => expect(await verify(assertion)).toEqual(ADA));
  });

  test('requests right after a failure cause no fetch of their own, and one warning', async () => {
    issuer.respond = (_, response) => response.writeHead(500).end();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const assertion = await issuer.assert(APP);
    const options = { issuer: issuer.origin, audience: APP };
    for (let i = 0; i < 5; i += 1) {
      const request = new Request(APP, { headers: { [HEADER]: assertion } });
      expect(await verifyAssertion(request, options)).toEqual({ status: 'unknown' });
    }
    expect(issuer.fetches).toBe(1);
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });

  test('a key that is at hand stays valid while another one is sought in vain', async () => {
    expect(await verify(await issuer.assert(APP))).toEqual(ADA);
    issuer.respond = (_, response) => response.writeHead(500).end();
    const unpublished = await issuer.assert(APP, {}, await newKey('next'));
    expect(await verify(unpublished)).toEqual({ status: 'unknown' });
    expect(await verify(await issuer.assert(APP))).toEqual(ADA);
    expect(await verify(unpublished)).toEqual({ status: 'unknown' });
    expect(issuer.fetches).toBe(2);
  });
});

test.each(['login.example.org', 'https://login.example.org/auth/', 'ftp://login.example.org', ''])(
  '%j as issuer or audience is a TypeError that names the option',
  async (value) => {
    const request = new Request(APP);
    await expect(verifyAssertion(request, { issuer: value, audience: APP })).rejects.toThrow(
      /^issuer must be an origin/,
    );
    await expect(verifyAssertion(request, { issuer: APP, audience: value })).rejects.toThrow(
      /^audience must be an origin/,
    );
  },
);
