import { NoFormError } from '../../browser.ts';

/** The result of one check. */
export interface CheckResult {
  readonly name: string;
  readonly status: 'pass' | 'fail' | 'skip';
  /** What was found; for a fail what is wrong. */
  readonly detail: string;
  /** How long it took, in ms. */
  readonly ms: number;
}

/** Thrown by a check that fails. */
class Fault extends Error {
  override readonly name = 'Fault';
}

/** Thrown by a check that doesn't apply here. */
class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

export function demand(condition: boolean, wrong: string): asserts condition {
  if (!condition) throw new Fault(wrong);
}

export function skip(why: string): never {
  throw new NotApplicable(why);
}

/** Runs checks one after the other; a failed one doesn't stop the next. */
export class Doctor {
  readonly results: CheckResult[] = [];
  readonly #show: (result: CheckResult) => void;

  constructor(show: (result: CheckResult) => void) {
    this.#show = show;
  }

  /** `work` returns what it found, in words. Returns true if the check passed. */
  async check(name: string, work: () => Promise<string>): Promise<boolean> {
    const startedAtMs = performance.now();
    let status: CheckResult['status'] = 'pass';
    let detail: string;
    try {
      detail = await work();
    } catch (error) {
      status = error instanceof NotApplicable ? 'skip' : 'fail';
      detail = describe(error);
    }
    const result = { name, status, detail, ms: Math.round(performance.now() - startedAtMs) };
    this.results.push(result);
    this.#show(result);
    return status === 'pass';
  }

  get failures(): number {
    return this.results.filter(({ status }) => status === 'fail').length;
  }
}

function describe(error: unknown): string {
  if (error instanceof Fault || error instanceof NotApplicable || error instanceof NoFormError)
    return error.message;
  if (error instanceof Error && error.name === 'TimeoutError') return 'no response in 15 s';
  if (error instanceof SyntaxError) return 'the response is not JSON';
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return typeof cause?.code === 'string' ? `no response (${cause.code})` : 'no readable response';
}
