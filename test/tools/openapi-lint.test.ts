import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

test('Redocly finds nothing to complain of, by its strictest rules', async () => {
  const args = ['lint', 'src/generated/openapi.json', '--extends=recommended-strict', '--format=json'];
  // It would ask the internet for a newer version, and report its use there.
  const env = { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off' };
  const command = [join(ROOT, 'node_modules/@redocly/cli/bin/cli.js'), ...args];
  const { stdout } = await run(process.execPath, command, { cwd: ROOT, env }).catch(
    (error: { stdout: string }) => error,
  );
  const { totals, problems } = JSON.parse(stdout) as { totals: object; problems: { message: string }[] };
  expect(problems.map(({ message }) => message)).toEqual([]);
  expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
});
