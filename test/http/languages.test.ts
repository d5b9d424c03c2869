import { describe, expect, test } from 'vitest';
import { addUser } from '../support/people.ts';
import { seedSession, seedVisitor } from '../support/seed-session.ts';
import { useTestEnvironment } from '../support/test-environment.ts';
import { LANGUAGES } from '../../src/pages/language.ts';

const environment = useTestEnvironment();

const speaking = (language: string) => ({ 'Accept-Language': language });

test.each(LANGUAGES.map((texts) => [texts.language, texts] as const))(
  'each page speaks %s, and says so',
  async (language, texts) => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    const anonymous = environment.worker.visitor();
    const pages = [
      [anonymous, '/', texts.landing.heading],
      [anonymous, '/sign-in/', texts.form.rememberMe],
      [anonymous, '/nowhere/', texts.goHome],
      [visitor, '/home/', texts.home.since],
      [visitor, '/logout/', texts.logout.heading],
      [visitor, '/sessions/', texts.sessions.intro],
      [visitor, '/account/password/', texts.form.currentPassword],
    ] as const;
    for (const [who, path, words] of pages) {
      const { headers, body } = await who.get(path, speaking(`${language}-XY, en;q=0.1`));
      expect(headers.get('Content-Language'), path).toBe(language);
      expect(headers.get('Vary'), path).toContain('Accept-Language');
      expect(body, path).toContain(`<html lang="${language}" dir="${texts.direction}">`);
      expect(body.replaceAll('&#39;', "'"), path).toContain(words);
      expect(body, path).not.toContain('undefined');
    }
  },
);

test.each([{}, speaking('nl'), speaking(';q=;;,'), speaking('*'.repeat(9000))])(
  'English otherwise: %#',
  async (headers) => {
    const response = await environment.worker.visitor().get('/sign-in/', headers);
    expect(response.body).toContain('<html lang="en" dir="ltr">');
    expect(response.headers.get('Vary')).toContain('Accept-Language');
  },
);

describe('in German', () => {
  const german = () => environment.worker.visitor({ headers: speaking('de-DE,de;q=0.9,en;q=0.8') });

  test('a wrong password, and the fields of the sign-in form', async () => {
    const user = await addUser(environment.cloud);
    const visitor = german();
    const wrong = await visitor.trySignIn({ ...user, password: 'wrong' });
    expect(wrong.body).toContain('Benutzername oder Passwort ist falsch.');
    const page = await visitor.get('/sign-in/');
    const { status, body } = await visitor.submit(page, { username: 'x'.repeat(151), password: '' });
    expect(status).toBe(400);
    expect(body).toContain('Das Feld „Benutzername“ darf höchstens 150 Zeichen lang sein.');
    expect(body).toContain('Bitte füllen Sie das Feld „Passwort“ aus.');
  });

  test('the rules for a new password', async () => {
    const user = await addUser(environment.cloud);
    const visitor = german();
    await visitor.signIn(user);
    const page = await visitor.get('/account/password/');
    const change = async (newPassword: string, confirmation = newPassword) => {
      const fields = { new_password: newPassword, confirm_password: confirmation };
      return (await visitor.submit(page, { current_password: user.password, ...fields })).body;
    };
    expect(await change('short')).toContain('Verwenden Sie mindestens 8 Zeichen.');
    expect(await change('password')).toContain('Dieses Passwort ist zu verbreitet.');
    expect(await change('a long passphrase', 'another')).toContain('stimmen nicht überein');
    expect(await change('x'.repeat(257))).toContain('darf höchstens 256 Zeichen lang sein.');
  });

  test('sessions, their times and countries, and what was done', async () => {
    const user = await addUser(environment.cloud);
    const visitor = german();
    await visitor.signIn(user);
    await seedSession(environment.cloud, user, {
      createdAtMs: Date.now() - 3 * 3_600_000,
      lastSeenAtMs: Date.now(),
      client: {
        ipAddress: '203.0.113.5',
        country: 'NL',
        userAgent: 'Mozilla/5.0 (X11; Linux) Firefox/145.0',
      },
    });
    await environment.worker.delivered();
    const { body } = await visitor.get('/sessions/?done=others');
    for (const words of [
      'Alle Ihre anderen Geräte sind abgemeldet.',
      'Firefox auf Linux',
      'Niederlande',
      'vor 3 Stunden',
      'Dieses Gerät',
    ])
      expect(body).toContain(words);
    expect(body).toMatch(/<td>Angemeldet<\/td>/);
  });

  test('an outage, and 405', async () => {
    const { visitor } = await seedVisitor(environment, await addUser(environment.cloud));
    environment.cloud.faults.set('redis', { kind: 'status', status: 500 });
    const outage = await visitor.get('/home/', speaking('de'));
    environment.cloud.faults.clear();
    expect(outage).toMatchObject({ status: 503 });
    expect(outage.body).toContain('Unsere Daten sind gerade nicht erreichbar.');
    const method = await german().post('/home/', {});
    expect(method.status).toBe(405);
    expect(method.body).toContain('Diese Adresse akzeptiert GET');
  });

  test('the API stays English', async () => {
    const headers = speaking('de');
    const api = await environment.worker.visitor().get('/api/v1/sessions', headers);
    expect(api.body).toContain('Sign in first.');
    const json = await environment.worker
      .visitor()
      .get('/nowhere/', { ...headers, Accept: 'application/json' });
    expect(json.body).toContain("There's nothing at this address.");
    const body = JSON.stringify({ username: 'ann' });
    const fields = await environment.worker.visitor().request('/api/v1/sessions', {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body,
    });
    expect(JSON.parse(fields.body)).toMatchObject({
      errors: [{ field: 'password', message: 'The password is missing.' }],
    });
    expect(Object.keys((JSON.parse(fields.body) as { errors: object[] }).errors[0] ?? {})).toEqual([
      'field',
      'message',
    ]);
  });
});
