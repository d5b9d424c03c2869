import { describe, expect, test } from 'vitest';
import { addUser, PASSWORD } from '../support/people.ts';
import { useStage } from '../support/stage.ts';
import { ORIGIN, type Visitor } from '../support/visitor.ts';
import { openWorker, SECRET_KEY } from '../support/worker.ts';

const stage = useStage();

/** A visitor about to press the button on the home page. */
async function atHome(worker = stage.worker): Promise<{ visitor: Visitor; token: string }> {
  const visitor = worker.visitor();
  await visitor.signIn(await addUser(stage.cloud));
  const home = await visitor.get('/home/');
  return { visitor, token: home.csrfToken ?? '' };
}

async function tokenOfSomebodyElse(): Promise<string> {
  return (await atHome()).token;
}

describe('the token of a logout', () => {
  test.each<[string, (own: string) => Promise<string | undefined> | string | undefined]>([
    ['missing', () => undefined],
    ['empty', () => ''],
    ['malformed', () => 'x'.repeat(34)],
    ['changed in one letter', (own) => own.slice(0, -2) + (own.at(-2) === 'A' ? 'B' : 'A') + own.slice(-1)],
    ["another signed-in visitor's", tokenOfSomebodyElse],
    [
      'given to nobody in particular',
      async () => (await stage.worker.visitor().get('/sign-in/')).csrfToken ?? '',
    ],
  ])('%s: 403, and the session stays open', async (_, wrongToken) => {
    const { visitor, token } = await atHome();
    const wrong = await wrongToken(token);
    const fields: Record<string, string> = wrong === undefined ? {} : { csrfmiddlewaretoken: wrong };
    const answer = await visitor.post('/logout/', fields);
    expect(answer.status).toBe(403);
    expect(answer.setCookies).toEqual([]);
    expect(await visitor.isSignedIn()).toBe(true);
    expect((await visitor.post('/logout/', { csrfmiddlewaretoken: token })).status).toBe(303);
  });

  test('from before the sign-in is no good after it, with the cookie of then neither', async () => {
    const visitor = stage.worker.visitor();
    const page = await visitor.get('/sign-in/');
    const oldCookie = await visitor.cookie('csrftoken');
    const fields = { csrfmiddlewaretoken: page.csrfToken ?? '' };
    await visitor.signIn(await addUser(stage.cloud));
    expect((await visitor.post('/logout/', fields)).status).toBe(403);
    await visitor.setCookie(`csrftoken=${oldCookie}; Path=/; Secure`);
    expect((await visitor.post('/logout/', fields)).status).toBe(403);
    expect((await visitor.post('/logout/', {}, { 'X-CSRFToken': oldCookie })).status).toBe(403);
    expect(await visitor.isSignedIn()).toBe(true);
  });

  test("another visitor's cookie and token together are no good", async () => {
    const [victim, attacker] = [await atHome(), await atHome()];
    const planted = await attacker.visitor.cookie('csrftoken');
    await victim.visitor.setCookie(`csrftoken=${planted}; Path=/; Secure`);
    const fields = { csrfmiddlewaretoken: attacker.token };
    expect((await victim.visitor.post('/logout/', fields)).status).toBe(403);
    expect((await victim.visitor.post('/logout/', {}, { 'X-CSRFToken': planted })).status).toBe(403);
  });

  test("in the header may be the form's or the cookie's own value, but not nonsense", async () => {
    const form = await atHome();
    expect((await form.visitor.post('/logout/', {}, { 'X-CSRFToken': 'nonsense' })).status).toBe(403);
    expect((await form.visitor.post('/logout/', {}, { 'X-CSRFToken': form.token })).status).toBe(303);
    const cookie = await atHome();
    const value = await cookie.visitor.cookie('csrftoken');
    expect((await cookie.visitor.post('/logout/', {}, { 'X-CSRFToken': value })).status).toBe(303);
  });

  test('counts in multipart forms too, and a form that cannot be read is a 400 or 403', async () => {
    const { visitor, token } = await atHome();
    const form = (value: string) =>
      `--b\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n${value}\r\n--b--\r\n`;
    const headers = {
      'Content-Type': 'multipart/form-data; boundary=b',
      Origin: ORIGIN,
    };
    const send = (body: string) => visitor.request('/logout/', { method: 'POST', body, headers });
    expect((await send(form('wrong'))).status).toBe(403);
    expect([400, 403]).toContain((await send('--nothing')).status);
    expect(await visitor.isSignedIn()).toBe(true);
    expect((await send(form(token))).status).toBe(303);
  });

  test('stays valid in other tabs: each page has another one', async () => {
    const { visitor, token } = await atHome();
    const second = await visitor.get('/logout/');
    expect(second.csrfToken).not.toBe(token);
    expect((await visitor.post('/logout/', { csrfmiddlewaretoken: token })).status).toBe(303);
  });
});

describe('the token of a sign-in', () => {
  test.each(['', 'x'.repeat(34)])('"%s": 403', async (csrfmiddlewaretoken) => {
    const { username } = await addUser(stage.cloud);
    const visitor = stage.worker.visitor();
    await visitor.get('/sign-in/');
    const fields = { username, password: PASSWORD, csrfmiddlewaretoken };
    expect((await visitor.post('/sign-in/', fields)).status).toBe(403);
    expect(await visitor.isSignedIn()).toBe(false);
  });

  test('without its cookie: 403', async () => {
    const { username } = await addUser(stage.cloud);
    const page = await stage.worker.visitor().get('/sign-in/');
    const visitor = stage.worker.visitor();
    const fields = { username, password: PASSWORD, csrfmiddlewaretoken: page.csrfToken ?? '' };
    expect((await visitor.post('/sign-in/', fields)).status).toBe(403);
  });
});

describe('where the request comes from', () => {
  const foreign: [string, Record<string, string | undefined>][] = [
    ['a foreign Origin', { Origin: 'https://evil.example' }],
    ['Origin null', { Origin: 'null' }],
    ['the same host on http', { Origin: 'http://login.example.org' }],
    ['the same host on another port', { Origin: 'https://login.example.org:8443' }],
    ['a host that begins alike', { Origin: 'https://login.example.org.evil.example' }],
    ['Sec-Fetch-Site: cross-site', { Origin: undefined, 'Sec-Fetch-Site': 'cross-site' }],
    ['cross-site with our Origin', { Origin: ORIGIN, 'Sec-Fetch-Site': 'cross-site' }],
  ];

  test.each(foreign)('%s: 403 at logout and sign-in, with a right token', async (_, headers) => {
    const { visitor, token } = await atHome();
    expect((await visitor.post('/logout/', { csrfmiddlewaretoken: token }, headers)).status).toBe(403);
    expect(await visitor.isSignedIn()).toBe(true);
    const { username, password } = await addUser(stage.cloud);
    const newcomer = stage.worker.visitor();
    const page = await newcomer.get('/sign-in/');
    expect((await newcomer.submit(page, { username, password }, headers)).status).toBe(403);
  });

  test('with neither header the token decides', async () => {
    const { visitor, token } = await atHome();
    const headers = { Origin: undefined, 'Sec-Fetch-Site': undefined };
    expect((await visitor.post('/logout/', {}, headers)).status).toBe(403);
    expect((await visitor.post('/logout/', { csrfmiddlewaretoken: token }, headers)).status).toBe(303);
  });

  test('an origin in CSRF_TRUSTED_ORIGINS may post, exactly that one, and with a token', async () => {
    await using worker = await openWorker({
      cloud: stage.cloud,
      bindings: { CSRF_TRUSTED_ORIGINS: 'https://other.example,https://app.example.net' },
    });
    const { visitor, token } = await atHome(worker);
    const fields = { csrfmiddlewaretoken: token };
    const post = (Origin: string, with_: Record<string, string>) =>
      visitor.post('/logout/', with_, { Origin, 'Sec-Fetch-Site': 'cross-site' });
    expect((await post('https://app.example.net:444', fields)).status).toBe(403);
    expect((await post('http://app.example.net', fields)).status).toBe(403);
    expect((await post('https://app.example.net', {})).status).toBe(403);
    expect((await post('https://app.example.net', fields)).status).toBe(303);
  });
});

test('a SECRET_KEY can be replaced while forms are open, and one that is gone counts no more', async () => {
  const { visitor, token } = await atHome();
  const cookies = await visitor.jar.getCookies(visitor.origin);
  const newKey = 'the-next-secret-key-which-is-long-enough-too';
  const submitTo = async (bindings: Record<string, string>): Promise<number> => {
    await using worker = await openWorker({ cloud: stage.cloud, bindings });
    const same = worker.visitor();
    for (const cookie of cookies) await same.setCookie(cookie.toString());
    return (await same.post('/logout/', { csrfmiddlewaretoken: token })).status;
  };
  expect(await submitTo({ SECRET_KEY: newKey })).toBe(403);
  expect(
    await submitTo({ SECRET_KEY: newKey, SECRET_KEY_FALLBACKS: `${'x'.repeat(32)},${SECRET_KEY}` }),
  ).toBe(303);
});
