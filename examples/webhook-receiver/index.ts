import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

// A receiver of events (RFC 8935) on Node. ISSUER is PUBLIC_URL of the service, AUDIENCE the origin of this receiver's own
// address, TOKEN what WEBHOOKS has for it.
const { ISSUER = '', AUDIENCE = '', TOKEN = '', PORT = '8080', DATABASE = 'events.db' } = process.env;

const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', ISSUER));
const required = { typ: 'secevent+jwt', algorithms: ['ES256'], issuer: ISSUER, audience: AUDIENCE };
const database = new DatabaseSync(DATABASE);
database.exec('CREATE TABLE IF NOT EXISTS events (jti TEXT PRIMARY KEY, toe INTEGER, claims TEXT)');
const store = database.prepare('INSERT OR IGNORE INTO events VALUES (?, ?, ?)');

createServer((request, response) => {
  const respond = (status: number, body = ''): unknown => response.writeHead(status).end(body);
  if (TOKEN === '' || request.headers.authorization !== `Bearer ${TOKEN}`) return respond(401);
  text(request)
    .then((token) => jwtVerify(token, keys, { ...required, requiredClaims: ['jti', 'toe', 'events'] }))
    .then(({ payload }) => {
      // The same event may come again: its jti is stored once. Only 202 says that it is stored.
      store.run(String(payload.jti), Number(payload['toe']), JSON.stringify(payload));
      respond(202);
    })
    // A 400 is for good: only for what no retry mends, not for a key that we don't know yet, or for faults of our own.
    .catch((error: unknown) => (isForged(error) ? respond(400, '{"err":"invalid_request"}') : respond(503)));
}).listen(Number(PORT));

const isForged = (error: unknown): boolean =>
  error instanceof errors.JWSInvalid ||
  error instanceof errors.JOSEAlgNotAllowed ||
  error instanceof errors.JWSSignatureVerificationFailed ||
  error instanceof errors.JWTInvalid ||
  error instanceof errors.JWTClaimValidationFailed;
