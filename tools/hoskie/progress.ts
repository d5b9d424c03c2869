/** The progress of a long run. */
export interface Progress {
  /** May go beyond the expected total. */
  advance(by: number): void;
  stop(): void;
}

const SILENT: Progress = { advance: () => undefined, stop: () => undefined };

/** A bar on standard error if that is a terminal. */
export async function startProgress(label: string, total: number): Promise<Progress> {
  if (!process.stderr.isTTY || total === 0) return SILENT;
  const { SingleBar, Presets } = await import('cli-progress');
  const bar = new SingleBar(
    { format: `${label} {bar} {value}/{total}`, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  let value = 0;
  return {
    advance(by) {
      value += by;
      if (value > total) bar.setTotal(value);
      bar.update(value);
    },
    stop: () => bar.stop(),
  };
}
