import { OPEN_SHIELD, type Shield } from './throttle.ts';

/** Name of the optional binding in wrangler.toml. */
export const SHIELD_BINDING = 'SIGN_IN_SHIELD';

interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

const isRateLimit = (value: unknown): value is RateLimitBinding =>
  typeof value === 'object' && value !== null && typeof (value as RateLimitBinding).limit === 'function';

/**
 * The shield of the Workers rate-limit binding, where one is bound (Cloudflare documentation, "Rate Limiting").
 * A binding that fails lets everybody through: the counters in Redis behind it do not.
 */
export function cloudflareShield(env: unknown): Shield {
  const binding = (env as Record<string, unknown> | null)?.[SHIELD_BINDING];
  if (!isRateLimit(binding)) return OPEN_SHIELD;
  return {
    async admit(network) {
      try {
        return (await binding.limit({ key: network })).success;
      } catch {
        return true;
      }
    },
  };
}
