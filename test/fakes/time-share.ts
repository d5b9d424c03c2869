/** A share of the cron's time that never ends. */
export const NO_LIMIT = (): boolean => true;

/** One that ends after so many batches. */
export function shareOf(batches: number): () => boolean {
  let left = batches;
  return () => (left -= 1) >= 0;
}
