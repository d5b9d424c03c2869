import { base64Url, equalInConstantTime, randomBytes, shortMac } from '../lib/hash.ts';
import type { Settings } from '../settings.ts';
import { normalizeUsername } from './username.ts';

/**
 * Device tokens (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"): proof that a user signed in under a
 * name from this browser or app, without a store. A token is `id.mac`; it opens nothing and lasts until its key is gone.
 */
type Keys = Pick<Settings, 'SECRET_KEY' | 'SECRET_KEY_FALLBACKS'>;

/** At most this many of a request are looked at. */
const DEVICE_TOKENS_MAX = 4;
const ID_BYTES = 16;
// base64url of 16 bytes each.
const TOKEN_PATTERN = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})$/;

const macOf = (key: string, deviceId: string, username: string): string =>
  shortMac(key, `device-token\n${deviceId}\n${normalizeUsername(username)}`);

/** The id of the first of these tokens that was issued to this name, in any spelling. Null: none was. */
export function findDevice(tokens: readonly string[], username: string, keys: Keys): string | null {
  for (const token of tokens.slice(0, DEVICE_TOKENS_MAX)) {
    const [, deviceId, mac] = TOKEN_PATTERN.exec(token) ?? [];
    if (deviceId === undefined || mac === undefined) continue;
    const isOurs = [keys.SECRET_KEY, ...keys.SECRET_KEY_FALLBACKS].some((key) =>
      equalInConstantTime(mac, macOf(key, deviceId, username)),
    );
    if (isOurs) return deviceId;
  }
  return null;
}

/** A token for the device that this name has just signed in from; `deviceId` null: it isn't known yet. */
export function issueDeviceToken(username: string, deviceId: string | null, keys: Keys): string {
  const id = deviceId ?? base64Url(randomBytes(ID_BYTES));
  return `${id}.${macOf(keys.SECRET_KEY, id, username)}`;
}
