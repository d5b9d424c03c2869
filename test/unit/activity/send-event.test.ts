import { createServer, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { eventSender } from '../../../src/activity/send-event.ts';
import { newSigningKey } from '../../../tools/signing-keys.ts';
import { sampleReceiver } from '../../fakes/samples.ts';
import { verifiedAssertion } from '../../support/assertion.ts';
import { openServer } from '../../support/issuer.ts';

const KEYS = [newSigningKey(), newSigningKey()];
const ISSUER = 'https://login.example.org';
const NOW_MS = Date.UTC(2026, 10, 23, 12, 0, 0, 987);

/** Sends one event to a receiver that responds so. */
async function sendTo(respond: RequestListener, timeoutMs?: number) {
  await using server = await openServer(respond);
  const receiver = sampleReceiver({ url: `${server.origin}/events?v=1`, audience: server.origin });
  const send = eventSender({ ASSERTION_KEYS: KEYS, PUBLIC_URL: ISSUER }, timeoutMs);
  return await send(receiver, { jti: 'an-id', events: { 'urn:x': {} } }, NOW_MS);
}

test('pushes as RFC 8935 says: a SET signed for this receiver, with its bearer', async () => {
  let request: Record<string, unknown> = {};
  let body = '';
  let audience = '';
  const result = await sendTo((incoming, response) => {
    const { method, url, headers } = incoming;
    request = { method, url, headers };
    audience = `http://${headers.host}`;
    void text(incoming).then((received) => {
      body = received;
      response.writeHead(202).end();
    });
  });
  expect(result).toEqual({ status: 'accepted' });
  expect(request).toMatchObject({
    method: 'POST',
    url: '/events?v=1',
    headers: {
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      authorization: 'Bearer bearer-of-billing',
    },
  });
  const { header, claims } = await verifiedAssertion(body, KEYS);
  expect(header).toEqual({ alg: 'ES256', typ: 'secevent+jwt', kid: KEYS[0]!.kid });
  expect(claims).toEqual({
    iss: ISSUER,
    aud: audience,
    iat: Math.floor(NOW_MS / 1000),
    jti: 'an-id',
    events: { 'urn:x': {} },
  });
});

test.each([200, 201, 204, 302, 307, 401, 403, 404, 409, 413, 429, 500, 503])(
  '%i is no success: the event is retried',
  async (status) => {
    const result = await sendTo((_, response) => response.writeHead(status).end());
    expect(result).toEqual({ status: 'failed', reason: `http_${status}` });
  },
);

test('a redirect is not followed, wherever it leads', async () => {
  const paths: (string | undefined)[] = [];
  const result = await sendTo((request, response) => {
    paths.push(request.url);
    response.writeHead(paths.length === 1 ? 307 : 202, { Location: '/elsewhere' }).end();
  });
  expect(result).toEqual({ status: 'failed', reason: 'http_307' });
  expect(paths).toEqual(['/events?v=1']);
});

test.each([
  ['a code of RFC 8935', '{"err":"invalid_key","description":"who are you?"}', 'invalid_key'],
  ['a code that no one registered', '{"err":"Bearer bearer-of-billing"}', 'http_400'],
  ['no object', 'null', 'http_400'],
  ['no JSON', '<h1>Bad request</h1>', 'http_400'],
  ['nothing', '', 'http_400'],
  ['far too much', `{"err":"invalid_key","description":"${'x'.repeat(1_000_000)}"}`, 'http_400'],
])('400 with %s refuses the event for good; no other text leaves it', async (_, body, reason) => {
  const result = await sendTo((__, response) => response.writeHead(400).end(body));
  expect(result).toEqual({ status: 'refused', reason });
});

test('a receiver that never replies is given up', async () => {
  expect(await sendTo(() => undefined, 50)).toEqual({ status: 'failed', reason: 'timeout' });
});

test('so is one whose 400 never ends: it is refused all the same', async () => {
  const result = await sendTo((_, response) => response.writeHead(400).write('{"err":'), 50);
  expect(result).toEqual({ status: 'refused', reason: 'http_400' });
});

test('a receiver that hangs up, or isn’t there, failed', async () => {
  expect(await sendTo((request) => request.socket.destroy())).toEqual({
    status: 'failed',
    reason: 'unreachable',
  });
  const gone = createServer().listen(0, '127.0.0.1');
  const url = await new Promise<string>((resolve) =>
    gone.on('listening', () => {
      const address = gone.address();
      gone.close(() => resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`));
    }),
  );
  const send = eventSender({ ASSERTION_KEYS: KEYS, PUBLIC_URL: ISSUER });
  expect(await send(sampleReceiver({ url }), {}, NOW_MS)).toEqual({
    status: 'failed',
    reason: 'unreachable',
  });
});
