import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import { findTarget } from '../../../tools/hoskie/deploy/deploy-version.ts';
import { addRoute, parseDomain } from '../../../tools/hoskie/setup/routes.ts';
import { ENVIRONMENTS, parseWorkerConfig } from '../../../tools/hoskie/wrangler/worker-config.ts';

const TOML = readFileSync('wrangler.toml', 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'worker-config-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** As wrangler itself reads it. */
function readByWrangler(toml: string, env: string): { name?: string; routes?: unknown; triggers?: unknown } {
  const config = join(directory, 'wrangler.toml');
  writeFileSync(config, toml);
  // Its declared type needs packages that aren't installed.
  const read: unknown = unstable_readConfig({ config, env }, { hideWarnings: true });
  return read as ReturnType<typeof readByWrangler>;
}

describe.each(ENVIRONMENTS)('%s', (environment) => {
  const domain = `${environment}.example.org`;
  const routed = addRoute(TOML, environment, domain);

  test('has the name that wrangler gives it', () => {
    const { name, routes, url } = parseWorkerConfig(TOML, environment);
    expect({ name, routes, url }).toEqual({
      name: readByWrangler(TOML, environment).name,
      routes: [],
      url: null,
    });
  });

  test('gets a route of its own, and nothing else changes', () => {
    const routes = [{ pattern: domain, custom_domain: true }];
    expect(readByWrangler(routed, environment)).toMatchObject({
      ...readByWrangler(TOML, environment),
      routes,
    });
    for (const other of ENVIRONMENTS.filter((each) => each !== environment))
      expect(readByWrangler(routed, other)).toEqual({ ...readByWrangler(TOML, other) });
    expect(parseWorkerConfig(routed, environment)).toMatchObject({
      routes: [domain],
      url: `https://${domain}/`,
    });
  });

  test('is where its variables say', () => {
    const vars =
      'vars = { PUBLIC_URL = "https://login.example.org", BASE_PATH = "/auth/", SESSION_COOKIE_NAME = "id" }';
    const toml = TOML.replace(/^vars = .*$/gm, vars);
    expect(parseWorkerConfig(toml, environment)).toMatchObject({
      url: 'https://login.example.org/auth/',
      sessionCookie: 'id',
      csrfCookie: 'csrftoken',
    });
  });
});

test('a route may be a text with a path, and one for all environments; a star names no host', () => {
  const all = `routes = ["login.example.org/*"]\n${TOML}`;
  expect(parseWorkerConfig(all, 'staging')).toMatchObject({ url: 'https://login.example.org/' });
  expect(readByWrangler(all, 'staging').routes).toEqual(['login.example.org/*']);
  const star = `route = "*.example.org/*"\n${TOML}`;
  expect(parseWorkerConfig(star, 'staging')).toMatchObject({ routes: ['*.example.org/*'], url: null });
});

test('its variables are read as the Worker reads them: a slash may be missing', () => {
  const withVars = (vars: string): string => TOML.replace(/^vars = .*$/gm, `vars = { ${vars} }`);
  const parsed = parseWorkerConfig(
    withVars('PUBLIC_URL = "https://login.example.org/", BASE_PATH = "/auth"'),
    'staging',
  );
  expect(parsed).toMatchObject({ url: 'https://login.example.org/auth/', basePath: '/auth/' });
  for (const [name, value] of [
    ['BASE_PATH', 'https://evil.example'],
    ['BASE_PATH', '/api/'],
    ['PUBLIC_URL', 'login.example.org'],
    ['PUBLIC_URL', 'http://login.example.org'],
  ] as const)
    expect(() => parseWorkerConfig(withVars(`${name} = "${value}"`), 'staging')).toThrow(
      `${name} of staging is malformed in wrangler.toml.`,
    );
});

test('an address on workers.dev has BASE_PATH', () => {
  const targets = ['schedule: * * * * *', 'https://cloud-hoskie.acme.workers.dev'];
  const found = 'https://cloud-hoskie.acme.workers.dev/auth/';
  expect(findTarget({ targets }, { basePath: '/auth/' })).toBe(found);
  expect(findTarget({ targets: ['login.example.org/*'] }, { basePath: '/' })).toBeNull();
});

test('a malformed file is named with the line', () => {
  expect(() => parseWorkerConfig('name = "x"\nmain = ', 'staging')).toThrow(
    "wrangler.toml can't be read: line 2",
  );
  expect(() => parseWorkerConfig('name = "x"\n', 'staging')).toThrow(
    'wrangler.toml has no name for staging.',
  );
});

test.each([
  ['login.example.org', 'login.example.org'],
  [' Login.Example.org ', 'login.example.org'],
  ['https://login.example.org', null],
  ['login.example.org/auth', null],
  ['localhost', null],
  ['login.example.org" }]', null],
  ['*.example.org', null],
])('%j as a domain is %j', (text, domain) => {
  expect(parseDomain(text)).toBe(domain);
});
