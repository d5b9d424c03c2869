/** Any reply of Redis (RESP2), with strings as bytes. */
export type RedisReply = null | number | Buffer | Error | RedisReply[];

const OK = Buffer.from('OK');

/**
 * A reply as Upstash puts it into JSON.
 *
 * With `base64` every string, at any depth, becomes base64 of its bytes, except a bare OK at top level: the client
 * looks for that word before it decodes. Without it, bytes that are not UTF-8 are lost, as they are at Upstash.
 * https://upstash.com/docs/redis/features/restapi#base64-encoded-responses
 */
export function encodeReply(reply: RedisReply, base64: boolean): unknown {
  if (Buffer.isBuffer(reply) && reply.equals(OK)) return 'OK';
  return encodeNested(reply, base64);
}

function encodeNested(reply: RedisReply, base64: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((each) => encodeNested(each, base64));
  if (Buffer.isBuffer(reply)) return reply.toString(base64 ? 'base64' : 'utf8');
  if (reply instanceof Error) return reply.message;
  return reply;
}
