import { paint, printable } from '../output.ts';
import type { CheckResult } from './doctor.ts';

/** `pass  healthz: 200`. */
export function lineOfResult({ status, name, detail }: CheckResult): string {
  const words = { pass: paint('green', 'pass'), fail: paint('red', 'FAIL'), skip: paint('yellow', 'skip') };
  return `${words[status]}  ${name}: ${printable(detail)}`;
}

/** How many checks failed. */
export const failuresOf = (results: readonly CheckResult[]): number =>
  results.filter(({ status }) => status === 'fail').length;
