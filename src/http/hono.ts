import { HonoBase, type HonoOptions } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';
import type { AppEnv } from './context.ts';

/**
 * Hono with the router that its `methodNotAllowed` brings along, so that a path has the same routes for both. Hono's own
 * presets bring one or two more, which cost up to 1.5 KiB of the bundle; the small ones also take a slash too many for none.
 */
export class Hono extends HonoBase<AppEnv> {
  constructor(options: HonoOptions<AppEnv> = {}) {
    super({ router: new TrieRouter(), ...options });
  }
}
