import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

export interface LocalServer extends AsyncDisposable {
  /** E.g. `http://127.0.0.1:40123`. */
  readonly origin: string;
}

/** An HTTP server on this machine. */
export async function openServer(listener: RequestListener): Promise<LocalServer> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

export interface SigningKey {
  privateKey: CryptoKey;
  publicJwk: JWK;
}

export async function newKey(kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}

export const nowSeconds = () => Math.floor(Date.now() / 1000);

/** Signs claims as the service does. */
export const signClaims = (claims: JWTPayload, { privateKey, publicJwk }: SigningKey, typ = 'JWT') =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ, kid: publicJwk.kid! }).sign(privateKey);

/** An issuer of assertions: publishes the keys in `published`, or responds as `respond` says. */
export class Issuer implements AsyncDisposable {
  published: SigningKey[] = [];
  respond: RequestListener | null = null;
  /** How often the keys were fetched. */
  fetches = 0;

  private readonly server: LocalServer;

  private constructor(server: LocalServer) {
    this.server = server;
  }

  static async open(): Promise<Issuer> {
    const server = await openServer((request, response) => issuer.serve(request, response));
    const issuer = new Issuer(server);
    issuer.published = [await newKey('first')];
    return issuer;
  }

  get origin(): string {
    return this.server.origin;
  }

  /** An assertion about Ada. Undefined takes a claim away. */
  assert(audience: string, claims: JWTPayload = {}, key = this.published[0]!): Promise<string> {
    const iat = nowSeconds();
    const { origin: iss } = this;
    const ada = { sub: '7', preferred_username: 'Ada 🌙', sid: 'a-session' };
    return signClaims({ iss, aud: audience, ...ada, iat, exp: iat + 300, ...claims }, key);
  }

  private serve: RequestListener = (request, response) => {
    this.fetches += 1;
    if (this.respond !== null) return this.respond(request, response);
    if (request.url !== '/.well-known/jwks.json') return response.writeHead(404).end();
    const keys = this.published.map(({ publicJwk }) => publicJwk);
    return response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys }));
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
