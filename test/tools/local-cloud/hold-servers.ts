/**
 * A program for tests: starts servers in the directory given, prints their addresses, and never ends by itself. With a
 * third argument it looks for their programs in that folder and in Docker, otherwise never in Docker.
 */
import { startServers } from '../../../tools/local-cloud/servers.ts';

const [, , directory = '', templates = '', folder] = process.argv;
const programs = folder === undefined ? { docker: false } : { folders: [folder] };
try {
  const { redis, mysql } = await startServers({ directory, templates, programs, log: () => undefined });
  process.stdout.write(`${JSON.stringify({ redis, mysql })}\n`);
  setInterval(() => undefined, 60_000);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ failed: String(error) })}\n`);
}
