import { installPackages } from '../debian-packages.ts';

const PACKAGES = ['redis-server', 'mariadb-server-core'];

let installing: Promise<void> | null = null;

/** Installs the packages of both servers with apt, once, and starts no system service; throws with apt's output. */
export function installPrograms(missing: readonly string[], log: (line: string) => void): Promise<void> {
  if (installing === null) {
    log(`Installing ${PACKAGES.join(' and ')} with apt-get, because ${missing.join(' or ')} is missing ...`);
    installing = installPackages(PACKAGES);
  }
  return installing;
}
