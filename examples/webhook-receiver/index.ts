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
    .catch((error: unknown) => {
      const err = refusalOf(error);
      return err === null ? respond(503) : respond(400, JSON.stringify({ err }));
    });
}).listen(Number(PORT));

/** RFC 8935 section 2.4. Null: a retry may mend it. */
function refusalOf(error: unknown): string | null {
  const { JWTClaimValidationFailed, JWSSignatureVerificationFailed, ...others } = errors;
  if (error instanceof JWTClaimValidationFailed)
    return { iss: 'invalid_issuer', aud: 'invalid_audience' }[error.claim] ?? 'invalid_request';
  if (error instanceof JWSSignatureVerificationFailed) return 'invalid_key';
  const malformed = [others.JWSInvalid, others.JOSEAlgNotAllowed, others.JWTInvalid];
  return malformed.some((kind) => error instanceof kind) ? 'invalid_request' : null;
}
