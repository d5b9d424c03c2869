import { networkOf, siteOf } from '../lib/client-info.ts';

/**
 * A coarse limit in front of the counters that costs no round trip: Cloudflare's rate-limit binding, which each of its
 * locations counts on its own and only approximately.
 */
export interface Shield {
  /**
   * False: there are so many attempts from this address or, with IPv6, its /48 that none of them is looked at for now.
   * A null address is admitted.
   */
  admit(ipAddress: string | null): Promise<boolean>;
}

/** For a refused client: the binding counts in windows of 10 or 60 s and doesn't say how much is left. */
export const SHIELD_RETRY_AFTER_SECONDS = 60;

/** Name of the optional binding in wrangler.toml. */
const SHIELD_BINDING = 'SIGN_IN_SHIELD';

interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

const isRateLimit = (value: unknown): value is RateLimitBinding =>
  typeof value === 'object' && value !== null && typeof (value as RateLimitBinding).limit === 'function';

/**
 * The shield of the Workers rate-limit binding (Cloudflare documentation, "Rate Limiting"). Without one, or if it fails, it
 * admits every request, and the counters in Redis alone decide.
 */
export function cloudflareShield(env: unknown): Shield {
  const binding = (env as Record<string, unknown> | null)?.[SHIELD_BINDING];
  return {
    async admit(ipAddress) {
      const network = networkOf(ipAddress);
      if (!isRateLimit(binding) || network === null) return true;
      try {
        return (await binding.limit({ key: siteOf(network) ?? network })).success;
      } catch {
        return true;
      }
    },
  };
}
