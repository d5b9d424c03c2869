import type { RequestInit, Response } from 'miniflare';
import { CookieJar } from 'tough-cookie';
import { expect } from 'vitest';

/** Where visitors go unless a test says otherwise; the Worker sees this scheme and host. */
export const ORIGIN = 'https://login.example.org';

export interface VisitorOptions {
  origin?: string;
  /** `CF-Connecting-IP`; by default one that nobody else in this file has. */
  ipAddress?: string;
  /** Sent with each request, over the defaults; undefined takes one away. */
  headers?: Record<string, string | undefined>;
  /** What the Worker finds as `request.cf`. */
  cf?: { country?: string };
}

export interface Credentials {
  username: string;
  password: string;
}

export interface SignInChoice {
  rememberMe?: boolean;
  next?: string;
}

/** One answer, its body read. */
export interface Answer {
  url: string;
  status: number;
  headers: Headers;
  body: string;
  /** Each `Set-Cookie` as it was sent. */
  setCookies: string[];
  location: string | null;
  /** `csrfmiddlewaretoken` of the first form; null without one. */
  csrfToken: string | null;
}

type Fields = Record<string, string>;
type HeaderFields = Record<string, string | undefined>;
type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

let visitors = 0;

/** What a browser does, without one: it keeps cookies by their attributes and sends forms with their hidden fields. */
export class Visitor {
  readonly jar = new CookieJar(undefined, { prefixSecurity: 'strict' });
  readonly origin: string;
  readonly ipAddress: string;
  readonly #fetch: Fetch;
  readonly #headers: HeaderFields;
  readonly #cf: { country?: string };

  constructor(fetch: Fetch, options: VisitorOptions = {}) {
    visitors += 1;
    this.#fetch = fetch;
    this.origin = options.origin ?? ORIGIN;
    this.ipAddress = options.ipAddress ?? `198.18.${visitors >> 8}.${visitors & 255}`;
    this.#cf = options.cf ?? {};
    this.#headers = {
      Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'CF-Connecting-IP': this.ipAddress,
      'User-Agent': 'Mozilla/5.0 (test)',
      ...options.headers,
    };
  }

  /** The value of a cookie that this browser would send to that path. */
  async cookie(name: string, path = '/'): Promise<string | undefined> {
    const cookies = await this.jar.getCookies(this.origin + path);
    return cookies.find((cookie) => cookie.key === name)?.value;
  }

  async setCookie(cookie: string): Promise<void> {
    await this.jar.setCookie(cookie, `${this.origin}/`);
  }

  get(path: string, headers: HeaderFields = {}): Promise<Answer> {
    return this.request(path, { headers });
  }

  /** Posts these fields alone, with the headers of a browser on a page of this origin. */
  post(path: string, fields: Fields = {}, headers: HeaderFields = {}): Promise<Answer> {
    return this.request(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Origin: this.origin,
        'Sec-Fetch-Site': 'same-origin',
        ...headers,
      },
    });
  }

  /** Sends the first form of a page, these fields filled in. */
  submit(page: Answer, fields: Fields = {}, headers: HeaderFields = {}): Promise<Answer> {
    const action = /<form[^>]* action="([^"]*)"/.exec(page.body)?.[1];
    if (action === undefined) throw new Error(`There is no form on ${page.url}, which said ${page.status}`);
    return this.post(action, { ...hiddenFields(page.body), ...fields }, headers);
  }

  /** Opens the sign-in page and sends its form; answers whatever came back. */
  async trySignIn({ username, password }: Credentials, choice: SignInChoice = {}): Promise<Answer> {
    const query = choice.next === undefined ? '' : `?next=${encodeURIComponent(choice.next)}`;
    const page = await this.get(`/sign-in/${query}`);
    return this.submit(page, {
      username,
      password,
      ...(choice.rememberMe === true ? { remember_me: 'on' } : {}),
    });
  }

  /** Signs in and expects it to work. */
  async signIn(credentials: Credentials, choice?: SignInChoice): Promise<Answer> {
    const answer = await this.trySignIn(credentials, choice);
    expect(answer.status, answer.body).toBe(303);
    return answer;
  }

  /** Presses the button on the home page. */
  async logOut(): Promise<Answer> {
    return this.submit(await this.get('/home/'));
  }

  /** Whether this browser, as it stands, gets the home page. */
  async isSignedIn(): Promise<boolean> {
    const { status, location } = await this.get('/home/');
    if (status === 302) expect(location).toBe('/sign-in/?next=%2Fhome%2F');
    else expect(status).toBe(200);
    return status === 200;
  }

  async request(path: string, init: RequestInit & { headers?: HeaderFields } = {}): Promise<Answer> {
    const url = this.origin + path;
    const cookie = await this.jar.getCookieString(url);
    const headers = { ...this.#headers, ...(cookie === '' ? {} : { Cookie: cookie }), ...init.headers };
    const response = await this.#fetch(url, {
      ...init,
      headers: Object.fromEntries(
        Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      cf: this.#cf,
    });
    const setCookies = response.headers.getSetCookie();
    // Refused ones are no error: a browser drops them without a word.
    for (const each of setCookies) await this.jar.setCookie(each, url, { ignoreError: true });
    const body = await response.text();
    return {
      url,
      status: response.status,
      headers: new Headers([...response.headers]),
      body,
      setCookies,
      location: response.headers.get('Location'),
      csrfToken: hiddenFields(body)['csrfmiddlewaretoken'] ?? null,
    };
  }
}

function hiddenFields(html: string): Fields {
  const fields: Fields = {};
  for (const [, name = '', value = ''] of html.matchAll(
    /<input type="hidden" name="([^"]*)" value="([^"]*)"/g,
  )) {
    fields[name] = decodeEntities(value);
  }
  return fields;
}

/** The five that an HTML escaper writes. */
export function decodeEntities(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
