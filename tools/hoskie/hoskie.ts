#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// `npm run hoskie -- ...`: see docs/cli.md.

// Halves the time to start. Not in the folder for temporary files, where others could have laid something.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/hoskie'));
const { run } = await import('./program.ts');

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const exitCode = await run(process.argv.slice(2));
// What is left open (idle connections, standard input) holds nobody up; what was printed is written out first.
process.stdout.write('', () => process.exit(exitCode));
