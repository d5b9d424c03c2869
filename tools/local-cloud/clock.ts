/** Milliseconds since 1970, with fractions, never going backwards. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
