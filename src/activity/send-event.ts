import type { EventReceiver } from '../lib/event-receivers.ts';
import { jwsSigner } from '../lib/jws.ts';
import { textOrNull } from '../lib/text.ts';
import type { Settings } from '../settings.ts';

/** Of one push, the whole response included. */
const PUSH_TIMEOUT_MS = 5000;
/** Of a 400's body, which only has to hold a code. */
const BODY_MAX_BYTES = 4096;
/** RFC 8935 section 2.4. Any other text of a receiver could hold anything. */
const ERROR_CODES = [
  'invalid_request',
  'invalid_key',
  'invalid_issuer',
  'invalid_audience',
  'authentication_failed',
  'access_denied',
];

/** What a receiver made of an event. The reason is in our words, an HTTP status or a code of RFC 8935. */
export type SendResult =
  | { readonly status: 'accepted' }
  /** It will never take it. */
  | { readonly status: 'refused'; readonly reason: string }
  /** Try again. */
  | { readonly status: 'failed'; readonly reason: string };

/** Pushes an event, whose claims lack issuer, audience and time of issue. Never throws. */
export type SendEvent = (
  receiver: EventReceiver,
  claims: Record<string, unknown>,
  nowMs: number,
) => Promise<SendResult>;

/** Signs with the first of the keys; without one, there are no receivers. */
export function eventSender(
  { ASSERTION_KEYS: [key], PUBLIC_URL }: Pick<Settings, 'ASSERTION_KEYS' | 'PUBLIC_URL'>,
  timeoutMs = PUSH_TIMEOUT_MS,
): SendEvent {
  const sign = key === undefined ? null : jwsSigner(key, 'secevent+jwt');
  return async (receiver, claims, nowMs) => {
    if (sign === null) return { status: 'failed', reason: 'no_key' };
    const token = await sign({
      iss: PUBLIC_URL,
      aud: receiver.audience,
      iat: Math.floor(nowMs / 1000),
      ...claims,
    });
    try {
      return await push(receiver, token, timeoutMs);
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError';
      return { status: 'failed', reason: isTimeout ? 'timeout' : 'unreachable' };
    }
  };
}

/** RFC 8935 section 2. Only 202 says that the receiver has it: a 200 may be some page. */
async function push(
  { url, token: bearer }: EventReceiver,
  token: string,
  timeoutMs: number,
): Promise<SendResult> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/secevent+jwt',
      Accept: 'application/json',
      Authorization: `Bearer ${bearer}`,
    },
    body: token,
    // Another host must see neither the bearer nor the event.
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const { status } = response;
  if (status === 400) return { status: 'refused', reason: (await readErrorCode(response)) ?? 'http_400' };
  await response.body?.cancel();
  return status === 202 ? { status: 'accepted' } : { status: 'failed', reason: `http_${status}` };
}

/** Null: there is no code that we know. */
async function readErrorCode({ body }: Response): Promise<string | null> {
  try {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.length > BODY_MAX_BYTES) return null;
    }
    const { err } = JSON.parse(text) as { err?: unknown };
    return ERROR_CODES.find((code) => code === textOrNull(err)) ?? null;
  } catch {
    return null;
  }
}
