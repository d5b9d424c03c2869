import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startProgress } from '../../../tools/hoskie/progress.ts';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const WRAP_LINES = '\u001b[?7h';

/** What the terminal got. */
let shown: string;
const { isTTY } = process.stderr;
beforeEach(() => {
  shown = '';
  process.stderr.isTTY = true;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    shown += String(text);
    return true;
  });
});
afterEach(() => {
  process.stderr.isTTY = isTTY;
  vi.restoreAllMocks();
});

const expectRestored = (): void => {
  expect(shown.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(shown.lastIndexOf(HIDE_CURSOR));
  expect(shown).toContain(WRAP_LINES);
};

describe('Ctrl-C during a long run', () => {
  test('ends it after the step under way, and the terminal is as before', async () => {
    const handlers = process.listenerCount('SIGINT');
    const progress = await startProgress('Importing', 3);
    progress.advance(1);
    expect(shown).toContain(HIDE_CURSOR);
    process.emit('SIGINT');
    expect(() => progress.advance(1)).toThrow(expect.objectContaining({ exitCode: 130 }) as Error);
    progress.stop();
    expectRestored();
    expect(process.listenerCount('SIGINT')).toBe(handlers);
  });

  test('twice: ends it at once', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    await startProgress('Importing', 3);
    process.emit('SIGINT');
    expect(exit).not.toHaveBeenCalled();
    expect(() => process.emit('SIGINT')).toThrow('exit 130');
    expectRestored();
  });
});
