import { createHash } from 'node:crypto';
import { withoutKeyLocking } from './key-locking.ts';

/** A command as Redis shall get it. */
export interface RewrittenCommand {
  args: string[];
  /** Stands in for Redis's answer when the command succeeds; null to pass the answer on. */
  reply: string | null;
}

/**
 * Lets stock Redis run scripts with Upstash's flag `allow-key-locking`, which it would refuse.
 * https://upstash.com/docs/redis/features/key-locking
 *
 * The flag is exchanged for its rules on the way in; EVALSHA, SCRIPT EXISTS and the answer of SCRIPT LOAD keep the
 * SHA-1 of the script as its author wrote it.
 */
export class ScriptFlags {
  readonly #runnable = new Map<string, string>();

  rewrite(args: string[]): RewrittenCommand {
    const [name = '', second, third] = args;
    if (second === undefined) return { args, reply: null };
    const word = name.toLowerCase();
    if (word === 'eval' || word === 'eval_ro') {
      return { args: [name, this.#learn(second), ...args.slice(2)], reply: null };
    }
    if (word === 'evalsha' || word === 'evalsha_ro') {
      return { args: [name, this.#translate(second), ...args.slice(2)], reply: null };
    }
    if (word === 'script' && second.toLowerCase() === 'exists') {
      return { args: [name, second, ...args.slice(2).map((sha) => this.#translate(sha))], reply: null };
    }
    if (word === 'script' && second.toLowerCase() === 'load' && third !== undefined) {
      return { args: [name, second, this.#learn(third), ...args.slice(3)], reply: sha1(third) };
    }
    return { args, reply: null };
  }

  #learn(script: string): string {
    const runnable = withoutKeyLocking(script);
    if (runnable !== script) this.#runnable.set(sha1(script), sha1(runnable));
    return runnable;
  }

  #translate(sha: string): string {
    return this.#runnable.get(sha.toLowerCase()) ?? sha;
  }
}

function sha1(text: string): string {
  return createHash('sha1').update(text, 'utf8').digest('hex');
}
