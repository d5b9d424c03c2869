import type { CallContent } from '../../tools/local-cloud/calls.ts';

/** Whether a call to Redis runs one of these scripts. */
export const runsScript = (call: CallContent, ...scripts: readonly string[]): boolean =>
  call.store === 'redis' &&
  call.commands.some(([name, script = '']) => /^eval$/i.test(name ?? '') && scripts.includes(script));
