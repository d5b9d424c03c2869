import { expect, test } from 'vitest';
import { isForeignOrigin } from '../../../src/http/origin.ts';

const OWN = 'https://login.example.org';
const TRUSTED = ['https://app.example.org', 'http://localhost:3000'];

test.each([
  { origin: null, site: null, foreign: false },
  { origin: OWN, site: null, foreign: false },
  { origin: OWN, site: 'same-origin', foreign: false },
  { origin: null, site: 'same-origin', foreign: false },
  { origin: null, site: 'none', foreign: false },
  { origin: null, site: 'same-site', foreign: false },
  // Another origin, however near.
  { origin: 'null', site: null, foreign: true },
  { origin: 'https://evil.example', site: null, foreign: true },
  { origin: 'http://login.example.org', site: null, foreign: true },
  { origin: 'https://login.example.org:8443', site: null, foreign: true },
  { origin: 'https://login.example.org.evil.example', site: null, foreign: true },
  { origin: 'https://www.login.example.org', site: 'same-site', foreign: true },
  { origin: 'https://LOGIN.example.org', site: null, foreign: true },
  { origin: 'https://login.example.org/', site: null, foreign: true },
  { origin: '', site: null, foreign: true },
  { origin: `${OWN}, ${OWN}`, site: null, foreign: true },
  // The browser says cross-site, whatever the Origin.
  { origin: null, site: 'cross-site', foreign: true },
  { origin: OWN, site: 'cross-site', foreign: true },
  // Trusted, if it matches exactly.
  { origin: 'https://app.example.org', site: 'same-site', foreign: false },
  { origin: 'https://app.example.org', site: 'cross-site', foreign: false },
  { origin: 'http://localhost:3000', site: 'cross-site', foreign: false },
  { origin: 'http://app.example.org', site: 'cross-site', foreign: true },
  { origin: 'https://app.example.org.evil.example', site: null, foreign: true },
  { origin: 'http://localhost:30001', site: null, foreign: true },
])('Origin $origin, Sec-Fetch-Site $site: $foreign', ({ origin, site, foreign }) => {
  const headers = new Headers();
  if (origin !== null) headers.set('Origin', origin);
  if (site !== null) headers.set('Sec-Fetch-Site', site);
  expect(isForeignOrigin(headers, OWN, TRUSTED)).toBe(foreign);
});

test('our own origin in the list of trusted ones may not be cross-site either', () => {
  const isForeign = (site: string): boolean =>
    isForeignOrigin(new Headers({ Origin: OWN, 'Sec-Fetch-Site': site }), OWN, [OWN]);
  expect(isForeign('same-origin')).toBe(false);
  expect(isForeign('cross-site')).toBe(true);
});
