import { describe, expect, test } from 'vitest';
import { seedVisitor } from '../support/seed-session.ts';
import { addUser } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const LOGO = 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=';
const environment = useTestEnvironment({
  SITE_NAME: 'Ann & Bob’s <Shop>',
  SITE_ACCENT: '#FFCC00',
  SITE_LOGO: LOGO,
  SITE_SUPPORT_URL: 'mailto:help@example.org',
});

const NAME = 'Ann &amp; Bob’s &lt;Shop&gt;';

test.each([
  ['/', 200],
  ['/sign-in/', 200],
  ['/nowhere/', 404],
])('%s has the name, the logo and the way to help', async (path, status) => {
  const { body, status: got, headers } = await environment.worker.visitor().get(path);
  expect(got).toBe(status);
  expect(body).toMatch(new RegExp(`<title>[^<]+ – ${NAME}</title>`));
  expect(body).toContain(`<img src="${LOGO}" alt=""/>`);
  expect(body).toContain('<a href="mailto:help@example.org">Help</a>');
  expect(body).not.toContain('Cloud Hoskie');
  expect(headers.get('Content-Security-Policy')).toContain("img-src 'self' data:;");
});

test('pages of somebody signed in have them too', async () => {
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  for (const path of ['/home/', '/sessions/', '/account/password/', '/logout/']) {
    const { body } = await visitor.get(path);
    expect(body, path).toContain(` – ${NAME}</title>`);
    expect(body, path).toContain('Help</a>');
    expect(body, path).not.toContain('Cloud Hoskie');
  }
});

describe('the colour', () => {
  const stylesheetAddress = (body: string): string =>
    /<link rel="stylesheet" href="([^"]+)"/.exec(body)?.[1] ?? '';

  test('fills buttons, with text that can be read', async () => {
    const visitor = environment.worker.visitor();
    const { body } = await visitor.get(stylesheetAddress((await visitor.get('/')).body));
    expect(body).toContain('--fill: #ffcc00; --fill-ink: #000000;');
    expect(body).toContain('background: var(--fill);');
  });

  test('is part of the stylesheet’s address, as browsers keep it for a year', async () => {
    const { body } = await environment.worker.visitor().get('/');
    expect(stylesheetAddress(body)).toMatch(/^\/assets\/style-[\w-]{8}-ffcc00\.css$/);
  });

  test('is the icon’s', async () => {
    expect((await environment.worker.visitor().get('/assets/icon.svg')).body).toContain('fill="#ffcc00"');
  });
});
