import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  debianProgram,
  DOWNLOAD_PACKAGES,
  havePackages,
  PACKAGES_SETUP_TIMEOUT_MS,
  PYTHON_PACKAGES,
} from '../support/debian.ts';
import { addUser, type TestUser } from '../support/people.ts';
import { useTestEnvironment } from '../support/test-environment.ts';

// What programs other than browsers keep in their cookie jars after a sign-out.

const run = promisify(execFile);
const environment = useTestEnvironment();
const directory = mkdtempSync(join(tmpdir(), 'jars-'));
let available = false;

beforeAll(async () => {
  available = (await havePackages(PYTHON_PACKAGES)) && (await havePackages(DOWNLOAD_PACKAGES));
}, PACKAGES_SETUP_TIMEOUT_MS);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A cookie that a client would send from now on, and for how many seconds more; null: until the client ends. */
interface Kept {
  readonly name: string;
  readonly seconds: number | null;
}

/** Sends one form or, without fields, fetches a page. Returns the body. */
type Send = (path: string, fields?: Readonly<Record<string, string>>) => Promise<string>;

interface Client {
  readonly send: Send;
  readonly kept: () => Promise<Kept[]>;
}

/** Netscape's format (curl's FILE_COOKIES): domain, subdomains, path, secure, expiry, name, value. */
function readJar(path: string): Kept[] {
  const nowSeconds = Date.now() / 1000;
  return readFileSync(path, 'utf8')
    .replaceAll('#HttpOnly_', '')
    .split('\n')
    .filter((line) => line.includes('\t'))
    .map((line) => line.split('\t'))
    .map(([, , , , expiry, name]) => ({
      name: name ?? '',
      seconds: expiry === '0' ? null : Number(expiry) - nowSeconds,
    }));
}

const encoded = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString();

function curl(): Client {
  const jar = join(directory, 'curl');
  return {
    async send(path, fields) {
      const args = ['-s', '-b', jar, '-c', jar];
      if (fields !== undefined) args.push('--data', encoded(fields));
      return (await run('curl', [...args, environment.worker.localOrigin + path])).stdout;
    },
    kept: async () => readJar(jar),
  };
}

function wget(): Client {
  const jar = join(directory, 'wget');
  return {
    async send(path, fields) {
      const args = ['-q', '-O', '-', '--max-redirect=0', '--keep-session-cookies', `--save-cookies=${jar}`];
      args.push(`--load-cookies=${jar}`);
      if (fields !== undefined) args.push(`--post-data=${encoded(fields)}`);
      // A redirect that isn't followed is an error to it.
      const done = run('wget', [...args, environment.worker.localOrigin + path]);
      return (await done.catch((error: { stdout: string }) => error)).stdout;
    },
    kept: async () => readJar(jar),
  };
}

const PYTHON = `
import json, sys, time
library, origin, username, password = sys.argv[1:5]
import re
if library == 'requests':
    import requests
    client = requests.Session()
    post = lambda path, data: client.post(origin + path, data=data, allow_redirects=False)
    jar = lambda: client.cookies
else:
    import httpx
    client = httpx.Client()
    post = lambda path, data: client.post(origin + path, data=data)
    jar = lambda: client.cookies.jar
def token(path):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', client.get(origin + path).text).group(1)
post('/sign-in/', {'username': username, 'password': password, 'csrfmiddlewaretoken': token('/sign-in/')})
before = sorted(cookie.name for cookie in jar())
post('/logout/', {'csrfmiddlewaretoken': token('/logout/')})
now = time.time()
print(json.dumps([before, [{'name': c.name, 'seconds': c.expires and c.expires - now} for c in jar()]]))
`;

/** Of the cookies that are kept, those that a request a second later would carry. */
const leftAfterASecond = (kept: readonly Kept[]): string[] =>
  kept.flatMap(({ name, seconds }) => (seconds !== null && seconds <= 1.1 ? [] : [name])).sort();

async function signInAndOut({ send, kept }: Client, { username, password }: TestUser) {
  const token = async (path: string): Promise<string> =>
    /name="csrfmiddlewaretoken" value="([^"]*)"/.exec(await send(path))?.[1] ?? '';
  await send('/sign-in/', { username, password, csrfmiddlewaretoken: await token('/sign-in/') });
  const before = leftAfterASecond(await kept());
  await send('/logout/', { csrfmiddlewaretoken: await token('/logout/') });
  return { before, after: leftAfterASecond(await kept()) };
}

test('wget keeps nothing of a session', async (context) => {
  context.skip(!available, 'packages are missing');
  const { before, after } = await signInAndOut(wget(), await addUser(environment.cloud));
  expect(before).toEqual(['csrftoken', 'device', 'sessionid']);
  expect(after).toEqual(['device']);
});

test('curl keeps neither the session nor the helper', async (context) => {
  context.skip(!available, 'packages are missing');
  const { before, after } = await signInAndOut(curl(), await addUser(environment.cloud));
  expect(before).toEqual(['csrftoken', 'device', 'sessionid']);
  // Version 7.88 carries out only the last deletion of a response; a token without its session is worthless.
  expect(after.filter((name) => name !== 'csrftoken')).toEqual(['device']);
});

test.for(['requests', 'httpx'])("Python's %s keeps nothing of a session", async (library, context) => {
  context.skip(!available, 'packages are missing');
  const { username, password } = await addUser(environment.cloud);
  const args = ['-c', PYTHON, library, environment.worker.localOrigin, username, password];
  const { stdout } = await run(debianProgram('python3'), args);
  const [before, kept] = JSON.parse(stdout) as [string[], Kept[]];
  expect(before).toEqual(['csrftoken', 'device', 'sessionid']);
  expect(leftAfterASecond(kept)).toEqual(['device']);
});
