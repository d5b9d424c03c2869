import { expect, test } from 'vitest';
import { ApiCaller } from '../support/api.ts';
import { addUser, logoutRows, PASSWORD } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

const environment = useTestEnvironment();

test('two browsers and an app: listed together, ended together', async () => {
  const user = await addUser(environment.cloud);
  const laptop = environment.worker.visitor({ headers: { 'User-Agent': 'Laptop/1' } });
  const desktop = environment.worker.visitor({ headers: { 'User-Agent': 'Desktop/1' } });
  const phone = environment.worker.visitor({ headers: { 'User-Agent': 'Phone/1' } });
  await laptop.signIn(user);
  await desktop.signIn(user, { rememberMe: true });
  const credentials = { username: user.username, password: PASSWORD, device_name: 'Phone' };
  const { token } = (await new ApiCaller(phone).post('/sessions', credentials)).body;
  const app = new ApiCaller(phone, token);

  // Both channels list the same three, each marks its own.
  const expected = [
    { device_name: 'Phone', kind: 'bearer', ip_address: phone.ipAddress },
    { user_agent: 'Desktop/1', kind: 'cookie', ip_address: desktop.ipAddress, remember_me: true },
    { user_agent: 'Laptop/1', kind: 'cookie', ip_address: laptop.ipAddress, remember_me: false },
  ];
  for (const [caller, current] of [
    [app, 0],
    [new ApiCaller(desktop), 1],
    [new ApiCaller(laptop), 2],
  ] as const) {
    const { sessions } = (await caller.get('/sessions')).body;
    expect(sessions).toMatchObject(expected);
    expect(sessions.map((each) => each.current)).toEqual([0, 1, 2].map((i) => i === current));
  }
  const page = await laptop.get('/sessions/');
  for (const device of ['Laptop/1', 'Desktop/1', 'Phone']) expect(page.body).toContain(`>${device}</bdi>`);

  // One ends the other two, from their next request on.
  const fields = { csrfmiddlewaretoken: page.csrfToken ?? '', scope: 'others' };
  expect((await laptop.post('/sessions/revoke/', fields)).status).toBe(303);
  expect((await app.get('/sessions/current')).status).toBe(401);
  const home = await desktop.get('/home/');
  expect(home).toMatchObject({ status: 302, location: '/sign-in/?next=%2Fhome%2F' });
  expect(await laptop.isSignedIn()).toBe(true);
  await environment.worker.delivered();
  expect(await logoutRows(environment.cloud, user)).toMatchObject([
    { reason: 'logout_others', ip_address: laptop.ipAddress, user_agent: 'Laptop/1' },
    { reason: 'logout_others', ip_address: laptop.ipAddress, user_agent: 'Laptop/1' },
  ]);

  // They sign in again; scope=all ends all three.
  await desktop.signIn(user);
  const again = (await new ApiCaller(phone).post('/sessions', credentials)).body;
  expect(again.token).not.toBe(token);
  const receipt = (await new ApiCaller(phone, again.token).delete('/sessions?scope=all')).body;
  expect(receipt.revoked).toBe(3);
  for (const browser of [laptop, desktop]) expect(await browser.isSignedIn()).toBe(false);
  expect((await new ApiCaller(phone, again.token).get('/sessions')).status).toBe(401);
  await environment.worker.delivered();
  const rows = await logoutRows(environment.cloud, user);
  expect(rows.map((row) => row['reason'])).toEqual([
    ...Array<string>(2).fill('logout_others'),
    ...Array<string>(3).fill('logout_all'),
  ]);
  expect(new Set(rows.slice(2).map((row) => row['id']))).toEqual(
    new Set(receipt.logouts.map((each) => each.id)),
  );
});
