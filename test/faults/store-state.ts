import type { CallContent } from '../../tools/local-cloud/calls.ts';
import { decodeSession } from '../../src/session/record.ts';
import type { Session } from '../../src/session/session.ts';
import type { CloudProxy } from '../../tools/local-cloud/proxy.ts';

/** Whether the call runs a script that contains this text and whose first key has this prefix. */
export const isScriptOn = (call: CallContent, keyPrefix: string, text: string): boolean =>
  call.store === 'redis' &&
  call.commands.some(
    ([name, script, , key]) =>
      name?.toUpperCase() === 'EVAL' &&
      key?.startsWith(keyPrefix) === true &&
      script?.includes(text) === true,
  );

/** All open sessions by their records, whether listed or not. */
export async function allOpenSessions(cloud: CloudProxy): Promise<Session[]> {
  const keys = await cloud.redis.keys('session:*');
  const records = keys.length === 0 ? [] : await cloud.redis.mget(keys);
  return records.flatMap((text) => (text === null ? null : decodeSession(text)) ?? []);
}

/** Public ids of this user's open sessions. */
export async function openSessions(cloud: CloudProxy, userId: string): Promise<string[]> {
  const sessions = await allOpenSessions(cloud);
  return sessions.filter((session) => session.userId === userId).map(({ id }) => id);
}
