const INTERVAL_MS = 1000;
let warnedAtMs = -Infinity;

/** `console.warn`, at most once a second in this process: an outage may concern each of many requests. */
export function warnOncePerSecond(error: Error): void {
  const nowMs = performance.now();
  if (nowMs < warnedAtMs + INTERVAL_MS) return;
  warnedAtMs = nowMs;
  console.warn(error);
}
