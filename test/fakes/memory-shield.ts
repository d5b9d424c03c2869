import type { Shield } from '../../src/security/throttle.ts';

/** A shield that admits every network but those it is told to turn away. */
export class MemoryShield implements Shield {
  readonly turnedAway = new Set<string>();

  async admit(network: string): Promise<boolean> {
    return !this.turnedAway.has(network);
  }
}
