import axe from 'axe-core';
import { HtmlValidate } from 'html-validate/node';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHROMIUM_SETUP_TIMEOUT_MS, findChromium, launchChromium } from '../support/chromium.ts';
import { addUser, PASSWORD, type TestUser } from '../support/people.ts';
import { seedSession } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

/** Of WCAG 2.2, levels A and AA, and what its authors advise. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** HTML as browsers and screen readers want it. Its style, and what JSX writes, is our own. */
const htmlValidate = new HtmlValidate({
  extends: ['html-validate:standard', 'html-validate:a11y'],
  rules: {
    'no-implicit-button-type': 'error',
    'void-style': 'off',
    'attribute-boolean-style': 'off',
    'no-trailing-whitespace': 'off',
    'long-title': 'off',
  },
});

interface Look {
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
}
const DESKTOP: Look = { colorScheme: 'light', width: 1280, height: 1024 };
const PHONE: Look = { colorScheme: 'dark', width: 320, height: 640 };
/** The desktop, enlarged four times (WCAG 2.2, 1.4.10). */
const ENLARGED: Look = { colorScheme: 'light', width: 320, height: 256 };

/** One that is read from right to left, and one with long words. */
const LANGUAGES: [language: string, looks: Look[]][] = [
  ['en', [DESKTOP, PHONE, ENLARGED]],
  ['ar', [DESKTOP, PHONE]],
  ['de', [PHONE]],
];
const TEST_TIMEOUT_MS = 120_000;

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

let browser: Browser | null = null;

beforeAll(async () => {
  const path = await findChromium();
  if (path !== null) browser = await launchChromium(path);
}, CHROMIUM_SETUP_TIMEOUT_MS);
afterAll(() => browser?.close());
beforeEach((test) => test.skip(browser === null, 'there is no Chromium'));

/** What is wrong with the page as it is, by the name of its state. */
async function findFaults(
  page: Page,
  html: string,
  state: string,
  looks: readonly Look[],
): Promise<string[]> {
  const { results } = await htmlValidate.validateString(html);
  const faults = results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, selector }) => `${ruleId}: ${message} ${selector ?? ''}`),
  );
  for (const { colorScheme, ...viewport } of looks) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    const { violations, wider } = await page.evaluate(async (tags) => {
      const { violations } = await (window as unknown as { axe: typeof axe }).axe.run({ runOnly: tags });
      return { violations, wider: document.documentElement.scrollWidth - innerWidth };
    }, TAGS);
    const look = `${colorScheme}, ${viewport.width} px`;
    for (const { id, nodes } of violations)
      faults.push(`${look}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    if (wider > 0) faults.push(`${look}: ${wider} px wider than the window`);
  }
  return faults.map((fault) => `${state}: ${fault}`);
}

/** Presses the first button, and waits for the page that comes back. */
const submit = (page: Page) =>
  Promise.all([page.waitForEvent('load'), page.locator('main form button').first().click()]);

async function signIn(page: Page, user: TestUser, password = PASSWORD): Promise<void> {
  await page.locator('[name=username]').fill(user.username);
  await page.locator('[name=password]').fill(password);
  await submit(page);
}

/** Goes through every page and state. */
async function visitAll(page: Page, user: TestUser, looks: readonly Look[]): Promise<string[]> {
  // As it was sent: the browser's own copy is repaired.
  let sent: Response | null = null;
  page.on('response', (response) => {
    if (response.request().isNavigationRequest() && response.status() !== 303) sent = response;
  });
  const faults: string[] = [];
  const look = async (state: string) =>
    void faults.push(...(await findFaults(page, (await sent?.text()) ?? '', state, looks)));
  const visit = async (path: string) => {
    await page.goto(path);
    await look(path);
  };
  for (const path of ['/', '/sign-in/', '/nowhere/']) await visit(path);
  await page.goto('/sign-in/');
  await signIn(page, user, 'wrong');
  await look('wrong password');
  await page.locator('[name=username]').evaluate((field) => field.removeAttribute('required'));
  await page.locator('[name=password]').evaluate((field) => field.removeAttribute('required'));
  await page.locator('[name=username]').fill('');
  await submit(page);
  await look('missing fields');
  environment.cloud.faults.set('redis', { kind: 'status', status: 500 });
  await signIn(page, user);
  await look('sign-in during an outage');
  environment.cloud.faults.clear();
  await signIn(page, user);
  await environment.worker.delivered();
  for (const path of ['/', '/home/', '/logout/', '/account/password/', '/sessions/?done=revoked'])
    await visit(path);
  for (const summary of await page.locator('summary').all()) await summary.click();
  await look('details of all sessions');
  await page.goto('/account/password/');
  for (const name of ['current_password', 'new_password', 'confirm_password'])
    await page.locator(`[name=${name}]`).fill(name === 'confirm_password' ? 'different' : 'short');
  await submit(page);
  await look('two passwords that differ');
  environment.cloud.faults.set('redis', { kind: 'status', status: 500 });
  await visit('/home/');
  environment.cloud.faults.clear();
  await page.goto('/home/');
  await submit(page);
  await page.locator('[role=status]').waitFor();
  await look('signed out');
  return faults;
}

test.each(LANGUAGES)(
  'every page and state is accessible, valid and no wider than the window: %s',
  async (locale, looks) => {
    const user = await addUser(environment.cloud);
    // Two equal devices.
    for (const hoursAgo of [1, 2]) {
      await seedSession(environment.cloud, user, {
        createdAtMs: Date.now() - hoursAgo * 3_600_000,
        lastSeenAtMs: Date.now(),
        rememberMe: true,
        client: { ipAddress: '2001:db8:85a3:8d3:1319:8a2e:370:7348', userAgent: FIREFOX, country: 'DE' },
      });
    }
    const context = await browser!.newContext({ baseURL: environment.worker.localOrigin, locale });
    // Beside the page's own scripts, which its policy forbids.
    await context.addInitScript(axe.source);
    expect(await visitAll(await context.newPage(), user, looks)).toEqual([]);
    await context.close();
  },
  TEST_TIMEOUT_MS,
);
