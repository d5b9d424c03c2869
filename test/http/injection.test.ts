import { describe, expect, test } from 'vitest';
import { visibleName } from '../../src/lib/text.ts';
import { CHEAP_HASH, NAUGHTY, NAUGHTY_IN_HEADERS, SQL_AND_LUA } from '../support/hostile-strings.ts';
import { inParallel } from '../support/in-parallel.ts';
import { testAftermath, useAttackEnvironment } from '../support/attack-environment.ts';
import { freshAddress, openSignInForm } from '../support/sign-in-form.ts';
import { unknownNameOf } from '../support/people.ts';
import { decodeEntities, ORIGIN } from '../support/visitor.ts';

const environment = useAttackEnvironment();

/** Hundreds of sign-ins on a busy machine. */
const SLOW_MS = 90_000;

const NAME_MAX_CHARACTERS = 150;
const DEVICE_NAME_MAX_CHARACTERS = 100;

const BYTE_ORDER_MARK = '\ufeff';

/** A byte order mark at the start has a test of its own. */
const TEXTS = [...new Set([...SQL_AND_LUA, ...NAUGHTY])].filter(
  (text) => text.isWellFormed() && !text.startsWith(BYTE_ORDER_MARK),
);

/** To MySQL, two names that differ in trailing spaces are the same. */
const differInMysql = (names: readonly string[]): string[] => [
  ...new Map(names.map((name) => [name.replace(/ +$/, ''), name])).values(),
];

/** Users with these texts as names: a guess at a password must find exactly that user. */
async function addHostileUsers(): Promise<string[]> {
  const names = differInMysql(TEXTS.filter((text) => text !== '' && [...text].length <= NAME_MAX_CHARACTERS));
  await environment.cloud.query('INSERT INTO users (username, password_hash) VALUES ?', [
    names.map((name) => [name, CHEAP_HASH]),
  ]);
  await environment.rememberUsers();
  return names;
}

test(
  'in every field of a failing sign-in: found, recorded and shown as it is',
  { timeout: SLOW_MS },
  async () => {
    const names = await addHostileUsers();
    const before = await environment.counts();
    const form = await openSignInForm(environment);
    const elementsOf = (page: string): number => (page.match(/</g) ?? []).length;
    const ordinary = elementsOf(
      await (await form.submit({ username: 'Ada', password: 'x', remember_me: 'on' })).text(),
    );
    const agentOf = (index: number): string => NAUGHTY_IN_HEADERS[index % NAUGHTY_IN_HEADERS.length] ?? '';
    await inParallel(names, async (username, index) => {
      const next = names[names.length - 1 - index] ?? '';
      const fields = { username, password: `${next}!`, next, remember_me: username };
      const response = await form.submit(fields, { 'User-Agent': agentOf(index) });
      expect(response.status, username).toBe(401);
      const page = await response.text();
      const shown = (field: string) =>
        decodeEntities(new RegExp(`name="${field}"[^>]* value="([^"]*)"`).exec(page)?.[1] ?? '');
      expect(shown('username')).toBe(username);
      expect(shown('next')).toBe(next);
      // None of it became markup: the page has as many elements as any refusal.
      expect(elementsOf(page)).toBe(ordinary);
    });
    expect(await environment.counts()).toEqual({ ...before, logins: before.logins + names.length + 1 });

    const rows = await environment.cloud.query(
      `SELECT users.username AS owner, login_activity.username, login_activity.user_agent, outcome
       FROM login_activity JOIN users ON users.id = user_id`,
    );
    const recorded = new Map(rows.map((row) => [row['username'], row]));
    for (const [index, name] of names.entries()) {
      expect(recorded.get(name)).toEqual({
        owner: name,
        username: name,
        user_agent: agentOf(index),
        outcome: 'bad_credentials',
      });
    }
    await environment.expectUsersUnchanged();
  },
);

test('a name that starts with a byte order mark is a name like any other', async () => {
  const { username, password } = await environment.addUser({ username: `${BYTE_ORDER_MARK}Ada` });
  expect((await environment.visitor().trySignIn({ username: 'Ada', password })).status).toBe(401);
  const visitor = environment.visitor();
  await visitor.signIn({ username, password });
  expect((await visitor.get('/home/')).body).toContain(`Hello, ${username}`);
});

test('as an unknown name: no user is found', async () => {
  const before = await environment.counts();
  // Each costs a bcrypt: only some of them.
  const names = SQL_AND_LUA.slice(0, 14).map((text) => `${text}.`);
  await inParallel(
    names,
    async (username) => {
      const response = await environment.fetch(`${ORIGIN}/api/v1/sessions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() },
        body: JSON.stringify({ username, password: username }),
      });
      expect(response.status).toBe(401);
    },
    2,
  );
  expect(await environment.counts()).toEqual({ ...before, logins: before.logins + names.length });
  const rows = await environment.cloud.query(
    'SELECT username FROM login_activity WHERE user_id IS NULL AND username IN (?)',
    [names.map(unknownNameOf)],
  );
  expect(rows.map((row) => row['username']).sort()).toEqual(names.map(unknownNameOf).sort());
});

describe('as the name of a signed-in user and of their device', () => {
  interface SignedIn {
    token: string;
    session: { id: string; device_name: string | null; user_agent: string };
    user: { username: string };
  }

  /** The texts joined, as many as fit into a device name. */
  function packed(): string[] {
    const names: string[] = [];
    for (const text of TEXTS) {
      const last = names.at(-1);
      if ([...text].length > DEVICE_NAME_MAX_CHARACTERS) continue;
      if (last !== undefined && [...last, ...text].length <= DEVICE_NAME_MAX_CHARACTERS)
        names[names.length - 1] += text;
      else names.push(text);
    }
    return names;
  }

  test(
    'the session, the list, the log-out and its row have it as it is, the device as far as it can be seen',
    { timeout: SLOW_MS },
    async () => {
      const devices = packed().filter((_, index) => index % 8 === 0);
      await inParallel(
        devices,
        async (device, index) => {
          const username = `${[...device].slice(0, 60).join('')} ${index}`;
          const user = await environment.addUser({ username });
          const headers = {
            'Content-Type': 'application/json',
            'CF-Connecting-IP': freshAddress(),
            'User-Agent': NAUGHTY_IN_HEADERS[index] ?? 'x',
          };
          const response = await environment.fetch(`${ORIGIN}/api/v1/sessions`, {
            method: 'POST',
            headers,
            body: JSON.stringify({ username, password: user.password, device_name: device }),
          });
          expect(response.status, username).toBe(201);
          const signedIn = (await response.json()) as SignedIn;
          expect(signedIn.user).toEqual({ id: user.id, username });
          const shown = visibleName(device);
          expect(signedIn.session.device_name).toBe(shown);

          const authorized = { ...headers, Authorization: `Bearer ${signedIn.token}` };
          const list = await environment.fetch(`${ORIGIN}/api/v1/sessions`, { headers: authorized });
          expect(await list.json()).toMatchObject({
            sessions: [{ device_name: shown, user_agent: headers['User-Agent'] }],
          });
          const end = await environment.fetch(`${ORIGIN}/api/v1/sessions/current`, {
            method: 'DELETE',
            headers: authorized,
          });
          const receipt = (await end.json()) as { revoked: number; logouts: { id: string }[] };
          expect(receipt.revoked).toBe(1);
          await environment.worker.delivered();
          const rows = await environment.cloud.query('SELECT * FROM logout_activity WHERE user_id = ?', [
            user.id,
          ]);
          expect(rows).toEqual([
            expect.objectContaining({
              id: receipt.logouts[0]?.id,
              username,
              user_agent: headers['User-Agent'],
              session_id: signedIn.session.id,
              reason: 'logout',
            }),
          ]);
        },
        2,
      );
    },
  );

  test('the pages show it as text', async () => {
    const device = `</strong><script>alert(1)</script>" onload='x' {{4817*9173}} \${4817*9173} <!--`;
    const username = `"><img src=x onerror=alert(1)>'`;
    const user = await environment.addUser({ username });
    const { visitor } = await environment.seedVisitor(user);
    const app = await environment.fetch(`${ORIGIN}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': freshAddress() },
      body: JSON.stringify({ username, password: user.password, device_name: device }),
    });
    expect(app.status).toBe(201);
    for (const path of ['/', '/home/', '/sessions/', '/logout/', '/account/password/']) {
      const { body, status } = await visitor.get(path);
      expect(status).toBe(200);
      expect(body).not.toMatch(/<script|<img|<!--| onload='|44186341/);
      expect(decodeEntities(body)).toContain(username);
    }
    expect(decodeEntities((await visitor.get('/sessions/')).body)).toContain(device);
  });
});

test('as a password: every character counts', async () => {
  const user = await environment.addUser({ passwordHash: CHEAP_HASH });
  const { visitor } = await environment.seedVisitor(user);
  const texts = [
    "' OR '1'='1' -- 8",
    '\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0001',
    '  leading and trailing  ',
    '\u{1f600}'.repeat(256),
  ];
  let current = user.password;
  for (const text of texts) {
    const page = await visitor.get('/account/password/');
    const response = await visitor.submit(page, {
      current_password: current,
      new_password: text,
      confirm_password: text,
    });
    expect(response.status, response.body).toBe(303);
    current = text;
  }
  const signIn = async (password: string) =>
    (await environment.visitor().trySignIn({ username: user.username, password })).status;
  // A bcrypt that stops at 72 bytes or at a NUL would accept this.
  expect(await signIn('\u{1f600}'.repeat(255))).toBe(401);
  expect(await signIn(current)).toBe(303);
  await environment.worker.delivered();
  await environment.rememberUsers();
  expect(JSON.stringify(await environment.cloud.query('SELECT * FROM users'))).not.toContain(
    "OR '1'='1' -- 8",
  );
});

testAftermath(environment);
