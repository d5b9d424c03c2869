import { findChromium } from '../tools/chromium.ts';
import { canInstallPackages, installPackages, missingPackages } from '../tools/debian-packages.ts';
import {
  CADDY_PACKAGES,
  DJANGO_PACKAGES,
  JAR_PACKAGES,
  NGINX_PACKAGES,
  SITE_PACKAGES,
} from './support/debian.ts';

// Before `npm test` rather than in the midst of it: apt keeps a small machine so busy that requests run into their
// time-outs. A test that runs alone installs what it needs itself; what can't be had is reported there.

const packages = [
  ...new Set([...NGINX_PACKAGES, ...CADDY_PACKAGES, ...SITE_PACKAGES, ...DJANGO_PACKAGES, ...JAR_PACKAGES]),
];

if (canInstallPackages()) {
  const missing = await missingPackages(packages);
  if (missing.length > 0) {
    console.log(`Installing ${missing.join(', ')} with apt-get ...`);
    await installPackages(missing).catch((error: unknown) => console.warn(error));
  }
  await findChromium();
}
