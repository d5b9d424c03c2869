/** A UUID in lower-case text form, 36 characters (RFC 9562 section 4). */
export type Uuid = string & { readonly __brand: 'Uuid' };

const TEXT_LENGTH_BEFORE_NODE = 24;

const toHex = (bytes: Uint8Array): string => {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
};

/**
 * Makes a UUIDv7: 48 bits of Unix time in milliseconds, then randomness, so that rows land at the end of an index.
 * The top bit of the last 48 bits is left clear, so that a script may count up from it (see `UuidSeries`)
 * without running over: the "monotonic random" method of RFC 9562 section 6.2.
 */
export function uuidV7(nowMs: number): Uuid {
  const random = crypto.getRandomValues(new Uint8Array(10));
  random[0] = (random[0]! & 0x0f) | 0x70; // version 7
  random[2] = (random[2]! & 0x3f) | 0x80; // variant 10
  random[4] = random[4]! & 0x7f;
  const time = Math.trunc(nowMs).toString(16).padStart(12, '0');
  const rest = toHex(random);
  return `${time.slice(0, 8)}-${time.slice(8)}-${rest.slice(0, 4)}-${rest.slice(4, 8)}-${rest.slice(8)}` as Uuid;
}

/** A run of UUIDv7s for a script that learns only while it runs how many it needs: `prefix` + hex(`first` + i). */
export interface UuidSeries {
  /** The first 24 characters, the last dash included. */
  readonly prefix: string;
  /** Below 2^47; counts up by one for each further UUID. */
  readonly first: number;
}

export function uuidSeries(nowMs: number): UuidSeries {
  const id = uuidV7(nowMs);
  return {
    prefix: id.slice(0, TEXT_LENGTH_BEFORE_NODE),
    first: Number.parseInt(id.slice(TEXT_LENGTH_BEFORE_NODE), 16),
  };
}

/** The UUID at `index` (from 0) of a series; the scripts compute the same text. */
export function uuidAt(series: UuidSeries, index: number): Uuid {
  return (series.prefix + (series.first + index).toString(16).padStart(12, '0')) as Uuid;
}
