import { findChromium } from '../tools/chromium.ts';
import { canFetchPackages, fetchPackages, missingPackages } from '../tools/debian-packages.ts';
import { CADDY_PACKAGES, DOWNLOAD_PACKAGES, NGINX_PACKAGES, PYTHON_PACKAGES } from './support/debian.ts';

// Before `npm test` rather than in the midst of it: apt keeps a small machine so busy that requests run into their
// time-outs. A test that runs alone fetches what it needs itself; what can't be had is reported there.

if (canFetchPackages()) {
  for (const packages of [PYTHON_PACKAGES, NGINX_PACKAGES, CADDY_PACKAGES, DOWNLOAD_PACKAGES]) {
    const missing = await missingPackages(packages);
    if (missing.length > 0) await fetchPackages(missing).catch((error: unknown) => console.warn(error));
  }
  await findChromium();
}
