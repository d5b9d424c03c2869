import { storeUnavailable } from '../errors.ts';

/** Something other than our script replied: that says neither "signed in" nor "signed out". */
export const unexpectedReply = () => storeUnavailable('redis', 'protocol');

export function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpectedReply();
  return value;
}
