import type { CallContent } from '../../tools/local-cloud/calls.ts';
import { decodeRecord } from '../../src/session/record.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';

/** Whether this is a script whose first key begins so and whose text contains that. */
export const isScriptOn = (call: CallContent, keyPrefix: string, text: string): boolean =>
  call.store === 'redis' &&
  call.commands.some(
    ([name, script, , key]) =>
      name?.toUpperCase() === 'EVAL' &&
      key?.startsWith(keyPrefix) === true &&
      script?.includes(text) === true,
  );

/** Public ids of this user's sessions by their records, whether listed or not. */
export async function openSessions(cloud: CloudProxy, userId: string): Promise<string[]> {
  const keys = await cloud.redis.keys('session:*');
  const records = keys.length === 0 ? [] : await cloud.redis.mget(keys);
  return records.flatMap((text) => {
    const record = text === null ? null : decodeRecord(text);
    const session = record !== null && 'session' in record ? record.session : null;
    return session?.userId === userId ? [session.id] : [];
  });
}
