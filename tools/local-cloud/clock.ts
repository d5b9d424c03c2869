// Taken once, at load: tests that replace the global clock with a fake one must not stop this one.
const realNow = performance.now.bind(performance);
const realOrigin = performance.timeOrigin;
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;

/** Milliseconds since 1970, with fractions, never going backwards. */
export function nowMs(): number {
  return realOrigin + realNow();
}

/** Waits `ms`; resolves true after that time, false at once when the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const timer = realSetTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    }, ms);
    const onAbort = (): void => {
      realClearTimeout(timer);
      resolve(false);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
