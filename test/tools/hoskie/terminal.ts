import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { eventually } from '../../support/people.ts';

/** Longer than the slowest step between two questions. */
const QUESTION_DEADLINE_MS = 60_000;

/** A Node program on a terminal of its own, which util-linux's `script` opens. */
export class Terminal {
  readonly ended: Promise<{ exitCode: number; shown: string }>;
  readonly #child;
  #shown = '';
  /** How much of it was there at the last answer. */
  #read = 0;

  constructor(args: readonly string[], options: { cwd: string; env: Record<string, string> }) {
    const command = [process.execPath, ...args].map((arg) => `'${arg}'`).join(' ');
    this.#child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], options);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#shown += text));
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code) => resolve({ exitCode: code ?? -1, shown: this.#text() }));
    });
  }

  /** Waits for the question, after the one before, and types the answer. */
  async answer(question: string, answer: string): Promise<void> {
    await eventually(() => {
      const at = this.#text().indexOf(question, this.#read);
      if (at < 0) throw new Error(`No question ${question} in:\n${this.#text()}`);
      this.#read = at + question.length;
    }, QUESTION_DEADLINE_MS);
    this.#child.stdin.write(`${answer}\r`);
    // The question is shown again with each character, on its line.
    await eventually(() => {
      const end = this.#text().indexOf('\n', this.#read);
      if (end < 0) throw new Error(`${question} took no answer`);
      this.#read = end;
    }, QUESTION_DEADLINE_MS);
  }

  #text(): string {
    return stripVTControlCharacters(this.#shown);
  }
}
