/** A program for tests: starts servers in the directory given, prints their addresses, and never ends by itself. */
import { startServers } from '../../../tools/local-cloud/servers.ts';

const [, , directory = '', templates = ''] = process.argv;
try {
  const { redis, mysql } = await startServers({ directory, templates, log: () => undefined });
  process.stdout.write(`${JSON.stringify({ redis, mysql })}\n`);
  setInterval(() => undefined, 60_000);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ failed: String(error) })}\n`);
}
