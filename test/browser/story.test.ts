import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { CHROMIUM_SETUP_TIMEOUT_MS, findChromium, launchChromium } from '../support/chromium.ts';
import { openSessions } from '../faults/store-state.ts';
import { addUser, eventually, logoutRows, PASSWORD, type TestUser } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

let browser: Browser | null = null;
let user: TestUser;
let context: BrowserContext;
/** Console errors and warnings, page errors and failed loads in the current test. */
let browserErrors: string[] = [];

beforeAll(async () => {
  const path = await findChromium();
  if (path !== null) browser = await launchChromium(path);
}, CHROMIUM_SETUP_TIMEOUT_MS);
afterAll(() => browser?.close());

beforeEach(async (test) => {
  test.skip(browser === null, 'there is no Chromium');
  user = await addUser(environment.cloud);
  browserErrors = [];
  await openContext({});
});
afterEach(() => context?.close());

async function openContext(options: BrowserContextOptions): Promise<void> {
  await context?.close();
  context = await browser!.newContext({ baseURL: environment.worker.localOrigin, ...options });
  context.on('weberror', (error) => browserErrors.push(error.error().message));
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) browserErrors.push(message.text());
  });
  context.on('requestfailed', (request) => {
    const { errorText = '' } = request.failure() ?? {};
    // Chromium aborts what still loads when the page changes.
    if (errorText !== 'net::ERR_ABORTED') browserErrors.push(`${request.url()}: ${errorText}`);
  });
}

/** Chromium logs each response of 400 and above as an error; a test may expect this status. */
const unexpected = (status?: number): string[] =>
  browserErrors.filter((text) => status === undefined || !text.includes(`status of ${status} `));

async function openPage(path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(path);
  return page;
}

async function signIn(page: Page, password = PASSWORD, rememberMe = false): Promise<void> {
  await page.getByLabel('Username').fill(user.username);
  await page.getByLabel('Password').fill(password);
  if (rememberMe) await page.getByLabel(/Remember me/).check();
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('sign in with Remember me, sign out; Back shows nothing private and the old cookie is refused', async () => {
  const page = await openPage('/home/');
  expect(new URL(page.url()).pathname).toBe('/sign-in/');
  await signIn(page, PASSWORD, true);
  await page.waitForURL('**/home/');
  await page.getByRole('heading', { name: `Hello, ${user.username}` }).waitFor();
  const cookie = (await context.cookies()).find(({ name }) => name === 'sessionid');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });
  expect((cookie?.expires ?? 0) - Date.now() / 1000).toBeGreaterThan(2_591_000);
  expect(await page.evaluate(() => document.cookie)).not.toContain('sessionid');

  // Chromium never keeps a page for Back that was still loading: then the check below would prove nothing.
  await page.waitForLoadState('networkidle');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(`${environment.worker.localOrigin}/`);
  await page.getByText("You're not signed in.").waitFor();
  // The device stays known; a second later nothing else is left.
  const names = async () => (await context.cookies()).map(({ name }) => name);
  await expect.poll(names, { timeout: 5000 }).toEqual(['device']);

  // Chromium keeps pages for Back in spite of no-store, unless an HttpOnly cookie got another value since; deleting
  // one is not enough. A page from its memory never "loads", so this waits only for the navigation to start.
  await page.goBack({ waitUntil: 'commit' });
  await expect.poll(() => page.locator('body').innerText(), { timeout: 5000 }).toContain('Remember me');
  expect(await page.content()).not.toContain(user.username);
  await context.addCookies([cookie!]);
  await page.goto('/home/');
  expect(new URL(page.url()).pathname).toBe('/sign-in/');
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, user)).toMatchObject([{ reason: 'logout' }]);
  expect(unexpected()).toEqual([]);
});

test('signing out in one tab signs out the other one', async () => {
  const first = await openPage('/sign-in/');
  await signIn(first);
  await first.waitForURL('**/home/');
  const second = await openPage('/home/');
  await openPage('/logout/').then((page) => page.getByRole('button', { name: 'Sign out' }).click());
  await first.reload();
  expect(new URL(first.url()).pathname).toBe('/sign-in/');
  // The button on the old page still works, and reports no error.
  await second.getByRole('button', { name: 'Sign out' }).click();
  await second.getByText("You're not signed in.").waitFor();
  expect(unexpected()).toEqual([]);
});

test('a double click on Sign in makes one session, which the browser has', async () => {
  const page = await openPage('/sign-in/');
  await page.getByLabel('Username').fill(user.username);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).dblclick();
  // The second click may abort the navigation of the first, so wait for what the page shows.
  const greeting = page.getByRole('heading', { name: `Hello, ${user.username}` });
  await greeting.waitFor();
  expect(new URL(page.url()).pathname).toBe('/home/');
  await eventually(async () => expect(await openSessions(environment.cloud, user.id)).toHaveLength(1));
  await page.reload();
  await greeting.waitFor();
  expect(unexpected()).toEqual([]);
});

test('a double click on Change password changes it once, and the browser stays signed in', async () => {
  const page = await openPage('/sign-in/?next=/account/password/');
  await signIn(page);
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByLabel('New password', { exact: true }).fill('a new long passphrase');
  await page.getByLabel('Repeat the new password').fill('a new long passphrase');
  await page.getByRole('button', { name: 'Change password' }).dblclick();
  await page.getByText('Your password is changed').waitFor();
  await eventually(async () => expect(await openSessions(environment.cloud, user.id)).toHaveLength(1));
  await page.goto('/home/');
  await page.getByRole('heading', { name: `Hello, ${user.username}` }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(`${environment.worker.localOrigin}/`);
  await page.goto('/sign-in/');
  await signIn(page, 'a new long passphrase');
  await page.waitForURL('**/home/');
  expect(unexpected()).toEqual([]);
});

test('two tabs: the second form leads on once the first has signed in; an old Sign out asks again', async () => {
  const [first, second] = [await openPage('/sign-in/'), await openPage('/sign-in/')];
  await signIn(first);
  await first.waitForURL('**/home/');
  await signIn(second);
  await second.waitForURL('**/home/');
  expect(await openSessions(environment.cloud, user.id)).toHaveLength(1);

  // The first tab keeps its page while the session is another one.
  await second.getByRole('button', { name: 'Sign out' }).click();
  await second.waitForURL(`${environment.worker.localOrigin}/`);
  await second.goto('/sign-in/');
  await signIn(second);
  await second.waitForURL('**/home/');
  await first.getByRole('button', { name: 'Sign out' }).click();
  await first.getByRole('heading', { name: 'Sign out?' }).waitFor();
  await first.getByRole('button', { name: 'Sign out' }).click();
  await first.waitForURL(`${environment.worker.localOrigin}/`);
  expect(await openSessions(environment.cloud, user.id)).toEqual([]);
  expect(unexpected(403)).toEqual([]);
});

test('a browser that sent no cookie learns why, and its name is kept for the next try', async () => {
  const page = await openPage('/sign-in/');
  await context.clearCookies();
  await signIn(page);
  await page
    .getByText('Your browser sent no cookie. Try again; if this repeats, it blocks cookies for this site.')
    .waitFor();
  expect(await page.getByLabel('Username').inputValue()).toBe(user.username);
  expect(await page.getByLabel('Password').inputValue()).toBe('');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/home/');
  expect(unexpected(403)).toEqual([]);
});

test('a wrong password is announced, and the focus is on the password field', async () => {
  const page = await openPage('/sign-in/?next=/home/%3Fa%3D1');
  expect(await page.locator(':focus').getAttribute('name')).toBe('username');
  await signIn(page, 'not my password');
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.innerText()).toBe('Incorrect username or password.');
  expect(await page.locator(':focus').getAttribute('name')).toBe('password');
  expect(await page.getByLabel('Username').inputValue()).toBe(user.username);
  expect(await page.getByLabel('Password').inputValue()).toBe('');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/home/?a=1');
  expect(unexpected(401)).toEqual([]);
});

test('the form works with the keyboard, password managers and screen readers', async () => {
  const page = await openPage('/sign-in/');
  const username = page.getByRole('textbox', { name: 'Username' });
  expect(await username.getAttribute('autocomplete')).toBe('username');
  expect(await username.getAttribute('autocapitalize')).toBe('none');
  const password = page.getByLabel('Password');
  expect(await password.getAttribute('type')).toBe('password');
  expect(await password.getAttribute('autocomplete')).toBe('current-password');
  // With the keyboard alone.
  await page.keyboard.type(user.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  expect(await page.getByRole('checkbox', { name: /Remember me/ }).isChecked()).toBe(true);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/home/');
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
  expect(await page.title()).toMatch(/Home/);
  expect(unexpected()).toEqual([]);
});

test('everything works with JavaScript disabled', async () => {
  await openContext({ javaScriptEnabled: false });
  const page = await openPage('/sign-in/');
  await signIn(page);
  await page.waitForURL('**/home/');
  await page.goto('/logout/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText("You're not signed in.").waitFor();
});

test('no page violates its own policy or is wider than a phone', async () => {
  await openContext({ viewport: { width: 320, height: 640 } });
  const page = await openPage('/sign-in/');
  const policies: string[] = [];
  await page.exposeFunction('report', (text: string) => policies.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      (window as unknown as { report: (text: string) => void }).report(event.violatedDirective);
    });
  });
  const visit = async (path: string, status: number): Promise<void> => {
    expect((await page.goto(path))?.status(), path).toBe(status);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, path).toBeLessThanOrEqual(0);
    // The stylesheet is loaded and allowed.
    expect(await page.evaluate(() => getComputedStyle(document.body).margin), path).toBe('0px');
  };
  for (const path of ['/', '/sign-in/', '/nowhere/']) await visit(path, path === '/nowhere/' ? 404 : 200);
  await page.goto('/sign-in/');
  await signIn(page);
  await page.waitForURL('**/home/');
  for (const path of ['/', '/home/', '/logout/']) await visit(path, 200);
  environment.cloud.faults.set('redis', { kind: 'status', status: 500 });
  for (const path of ['/', '/home/']) await visit(path, path === '/' ? 200 : 503);
  environment.cloud.faults.clear();
  expect(policies).toEqual([]);
  expect(unexpected(404).filter((text) => !text.includes('status of 503 '))).toEqual([]);
});
