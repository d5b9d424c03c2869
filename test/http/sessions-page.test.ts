import { describe, expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { decodeEntities } from '../support/visitor.ts';

const environment = useTestEnvironment();

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

/** The text of each session in the list, without tags and runs of spaces. */
function listItems(html: string): string[] {
  const list = /<ul class="sessions">(.*?)<\/ul>/s.exec(html)?.[1] ?? '';
  return [...list.matchAll(/<li>(.*?)<\/li>/gs)].map(([, item = '']) => textOf(item));
}

/** As it is read: what only sets a direction parts no words. */
const textOf = (html: string): string =>
  decodeEntities(html.replaceAll(/<\/?bdi[^>]*>/g, '').replaceAll(/<[^>]*>/g, ' '))
    .replaceAll(/\s+/g, ' ')
    .trim();

const client = (ipAddress: string, userAgent: string | null, country: string | null = null) => ({
  client: { ipAddress, userAgent, country },
});

test('each session with its device, address, times and button; the current one is marked', async () => {
  const user = await addUser(environment.cloud);
  const nowMs = Date.now();
  const { visitor, session } = await seedVisitor(environment, user, {
    createdAtMs: nowMs,
    ...client('203.0.113.1', FIREFOX, 'NL'),
  });
  await seedSession(environment.cloud, user, {
    createdAtMs: nowMs - 3_600_000 * 3,
    lastSeenAtMs: nowMs - 60_000 * 5,
    rememberMe: true,
    ...client('2001:db8::7', CHROME),
  });
  await seedSession(environment.cloud, user, {
    kind: 'bearer',
    createdAtMs: nowMs - 86_400_000 * 0.5,
    lastSeenAtMs: nowMs - 3_600_000,
    deviceName: `Ada's <phone>`,
    ...client('203.0.113.3', 'App/1.0', 'T1'),
  });
  await seedSession(environment.cloud, user, { createdAtMs: nowMs - 1000, ...client('203.0.113.4', IPHONE) });
  const { status, body } = await visitor.get('/sessions/');
  expect(status).toBe(200);
  const items = listItems(body);
  expect(items).toHaveLength(4);
  const [firefox = '', iphone = '', chrome = '', phone = ''] = items;
  expect(firefox).toMatch(/^Firefox on Linux This device 203\.0\.113\.1, Netherlands/);
  const exact = String.raw`\d+ [A-Z][a-z]+ 20\d\d, [\d:]+ UTC`;
  expect(firefox).toMatch(
    new RegExp(
      `signed in just now · last seen just now Details Signed in ${exact} Last seen ${exact} User agent ${FIREFOX.replaceAll(/[().]/g, String.raw`\$&`)} Sign out on this device$`,
    ),
  );
  expect(iphone).toMatch(/^Safari on iOS 203\.0\.113\.4 .* Sign out$/);
  expect(chrome).toMatch(/^Chrome on Windows 10 Remembered 2001:db8::7/);
  expect(chrome).toContain('signed in 3 hours ago · last seen 5 minutes ago');
  expect(phone).toMatch(/^Ada's <phone> App 203\.0\.113\.3, Tor network/);
  expect(body).not.toContain('<phone>');
  // One button for each session, and the two for all of them.
  expect(body).toContain(`name="id" value="${session.id}"`);
  expect([...body.matchAll(/action="\/sessions\/revoke\/"/g)]).toHaveLength(6);
  for (const scope of ['others', 'all']) expect(body).toContain(`name="scope" value="${scope}"`);
  // The exact time, for programs.
  expect(body).toContain(`datetime="${new Date(nowMs).toISOString()}"`);
});

test('a device whose user agent is markup', async () => {
  const userAgent = '"><script>alert(1)</script>';
  const { visitor } = await seedVisitor(
    environment,
    await addUser(environment.cloud),
    client('203.0.113.9', userAgent),
  );
  const { body } = await visitor.get('/sessions/');
  expect(listItems(body)[0]?.startsWith(userAgent)).toBe(true);
  expect(body).not.toContain('<script>');
});

test('a single session: no button for others, and no sessions of other users', async () => {
  await seedSession(environment.cloud, await addUser(environment.cloud));
  const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
  const { body } = await visitor.get('/sessions/');
  expect(listItems(body)).toHaveLength(1);
  expect(body).not.toContain('value="others"');
  expect(body).toContain('value="all"');
});

test('recent activity lists sign-ins, failed sign-ins and sign-outs, newest first', async () => {
  const user = await addUser(environment.cloud);
  const visitor = environment.worker.visitor({ headers: { 'User-Agent': FIREFOX }, cf: { country: 'SE' } });
  await visitor.trySignIn({ ...user, password: 'wrong' });
  await visitor.signIn(user);
  const other = await seedSession(environment.cloud, user);
  const page = await visitor.get('/sessions/');
  await visitor.post('/sessions/revoke/', {
    csrfmiddlewaretoken: page.csrfToken ?? '',
    id: other.session.id,
  });
  await environment.worker.delivered();
  const { body } = await visitor.get('/sessions/');
  const rows = [...body.matchAll(/<tr><td>(.*?)<\/tr>/gs)].map(([, row = '']) => textOf(row));
  expect(rows.map((row) => row.replace(/^just now \d+ [A-Z][a-z]+ 20\d\d, [\d:]+ UTC /, ''))).toEqual(
    ['Signed out from another device', 'Signed in', 'Failed sign-in: wrong password'].map(
      (what) => `${what} Firefox on Linux, ${visitor.ipAddress}, Sweden`,
    ),
  );
});

test('a browser without a csrftoken cookie gets one', async () => {
  const { token } = await seedSession(environment.cloud, await addUser(environment.cloud));
  const visitor = environment.worker.visitor();
  await visitor.setCookie(`sessionid=${token}; Path=/; Secure`);
  const response = await visitor.get('/sessions/');
  expect(response.status).toBe(200);
  expect(response.setCookies.map((each) => each.split('=')[0])).toEqual(['csrftoken']);
});

describe('access', () => {
  test('without an open session: to the sign-in page, which leads back', async () => {
    const location = '/sign-in/?next=%2Fsessions%2F';
    expect(await environment.worker.visitor().get('/sessions/')).toMatchObject({ status: 302, location });
    const { visitor, token } = await seedVisitor(environment, await addUser(environment.cloud));
    await visitor.logOut();
    await visitor.setCookie(`sessionid=${token}; Path=/; Secure`);
    expect(await visitor.get('/sessions/')).toMatchObject({ status: 302, location });
  });

  test("a bearer's token in the cookie is not accepted", async () => {
    const { token } = await seedSession(environment.cloud, await addUser(environment.cloud), {
      kind: 'bearer',
    });
    const visitor = environment.worker.visitor();
    await visitor.setCookie(`sessionid=${token}; Path=/; Secure`);
    expect((await visitor.get('/sessions/')).status).toBe(302);
  });
});

test('MySQL hangs: the list and its buttons work, and the page says that the activity is unavailable', async () => {
  const user = await addUser(environment.cloud);
  const { visitor } = await seedVisitor(environment, user);
  const other = await seedSession(environment.cloud, user);
  environment.cloud.faults.set('mysql', { kind: 'hang' });
  const page = await visitor.get('/sessions/');
  expect(page.status).toBe(200);
  expect(listItems(page.body)).toHaveLength(2);
  expect(textOf(page.body)).toContain('Recent activity is unavailable right now');
  const fields = { csrfmiddlewaretoken: page.csrfToken ?? '', id: other.session.id };
  expect((await visitor.post('/sessions/revoke/', fields)).status).toBe(303);
});
