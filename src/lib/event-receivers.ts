import { isLocalHttp } from './local-http.ts';

/** What a receiver may ask for: ends of sessions, starts, sign-ins that failed. */
export const EVENT_KINDS = ['end', 'start', 'failure'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Another system that events are pushed to. */
export interface EventReceiver {
  /** Names its keys in Redis, and it in logs. */
  readonly name: string;
  readonly url: string;
  /** The origin of its address: whom an event token is for. */
  readonly audience: string;
  /** Sent as a bearer token. A secret. */
  readonly token: string;
  readonly events: readonly EventKind[];
}

/**
 * A Worker has six connections at a time for each request (Cloudflare, "Limits"), and a receiver that hangs holds one: a
 * connection must be left for the stores.
 */
const RECEIVERS_MAX = 5;

/** Reads a JSON list of receivers. Null: it isn't one, or two have the same name. */
export function parseEventReceivers(text: string): readonly EventReceiver[] | null {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(list) || list.length > RECEIVERS_MAX) return null;
  const receivers = list.map(parseReceiver);
  const isUnique = new Set(receivers.map((receiver) => receiver?.name)).size === receivers.length;
  return isUnique && receivers.every((receiver) => receiver !== null) ? receivers : null;
}

function parseReceiver(value: unknown): EventReceiver | null {
  if (typeof value !== 'object' || value === null) return null;
  const { name, url: address, token, events = ['end'] } = value as Record<string, unknown>;
  if (typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name)) return null;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return null;
  if (!Array.isArray(events) || events.length === 0 || !events.every(isEventKind)) return null;
  if (typeof address !== 'string' || address.includes('#') || !URL.canParse(address)) return null;
  const url = new URL(address);
  if (url.protocol !== 'https:' && !isLocalHttp(url)) return null;
  if (url.username !== '' || url.password !== '') return null;
  return { name, url: url.href, audience: url.origin, token, events: [...new Set(events)] };
}

const isEventKind = (value: unknown): value is EventKind =>
  (EVENT_KINDS as readonly unknown[]).includes(value);
