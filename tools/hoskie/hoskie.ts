#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// `npm run hoskie -- ...`: see docs/cli.md.

// Halves the start-up time. Not in the temporary directory, where other users could plant files.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/hoskie'));
const { run } = await import('./program.ts');

// A reader that stops early (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const exitCode = await run(process.argv.slice(2));
// Doesn't wait for idle connections or standard input, but for the output to be written.
process.stdout.write('', () => process.exit(exitCode));
