import { CliError, EXIT } from './exit.ts';
import { note } from './output.ts';

/** The progress of a long run. */
export interface Progress {
  /**
   * A step is done; may go beyond the expected total. Throws `CliError` if the operator pressed Ctrl-C during the step:
   * what is done is known then, and the run may be repeated.
   */
  advance(by: number): void;
  /** Ends the bar; safe to repeat. */
  stop(): void;
}

interface Bar {
  update(value: number): void;
  setTotal(total: number): void;
  stop(): void;
}

/** Shows a bar on standard error if that is a terminal. Until `stop`, Ctrl-C ends the run after its step; twice, at once. */
export async function startProgress(label: string, total: number): Promise<Progress> {
  let isStopped = false;
  let value = 0;
  const bar = process.stderr.isTTY && total > 0 ? await openBar(label, total) : null;
  const stop = (): void => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    // Shows the cursor again and wraps long lines.
    bar?.stop();
  };
  const interrupt = (): void => {
    if (isStopped) {
      stop();
      process.exit(EXIT.interrupted);
    }
    isStopped = true;
    note('hoskie: Stopping after this step. Ctrl-C again stops at once.');
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return {
    advance(by) {
      value += by;
      if (value > total) bar?.setTotal(value);
      bar?.update(value);
      if (isStopped) throw new CliError(EXIT.interrupted, 'Stopped. Run the command again to go on.');
    },
    stop,
  };
}

async function openBar(label: string, total: number): Promise<Bar> {
  const { SingleBar, Presets } = await import('cli-progress');
  const bar = new SingleBar(
    {
      format: `${label} {bar} {value}/{total}`,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return bar;
}
