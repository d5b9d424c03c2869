import { CookieJar, type Cookie } from 'tough-cookie';
import { formOf, type Form } from './html.ts';

/** A service that answers later than this is not well. */
const TIMEOUT_MS = 15_000;

/** One answer, its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly setCookies: readonly string[];
  /** Resolved against the address that was asked for, as browsers do; null without one. */
  readonly location: URL | null;
  readonly form: Form | null;
}

type HeaderFields = Readonly<Record<string, string>>;

export interface Ask {
  readonly method?: string;
  readonly headers?: HeaderFields;
  readonly body?: string;
  /** False: as if the cookies were not there. */
  readonly cookies?: boolean;
}

/** What a browser does, without one: keeps cookies by their attributes, sends forms; follows no redirect. */
export class Browser {
  readonly jar = new CookieJar();
  readonly origin: string;

  constructor(origin: string) {
    this.origin = origin;
  }

  get = (path: string, headers: HeaderFields = {}): Promise<Answer> => this.ask(path, { headers });

  /** Posts fields as a page of this origin does. */
  post(path: string, fields: Readonly<Record<string, string>>, headers: HeaderFields = {}): Promise<Answer> {
    return this.ask(path, {
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

  /** Sends the first form of a page with these fields over its own; undefined leaves one out. */
  submit(
    page: Answer,
    fields: Readonly<Record<string, string | undefined>>,
    headers: HeaderFields = {},
  ): Promise<Answer> {
    const all = { ...page.form?.hidden, ...fields };
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return this.post(page.form?.action ?? '/', Object.fromEntries(given), headers);
  }

  async ask(path: string, { method = 'GET', headers = {}, body, cookies = true }: Ask = {}): Promise<Answer> {
    const url = new URL(path, this.origin).href;
    const cookie = cookies ? await this.jar.getCookieString(url) : '';
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        Accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        'User-Agent': 'hoskie doctor',
        ...(cookie === '' ? {} : { Cookie: cookie }),
        ...headers,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
    });
    const setCookies = response.headers.getSetCookie();
    // Refused ones are no error: a browser drops them without a word.
    if (cookies) for (const each of setCookies) await this.jar.setCookie(each, url, { ignoreError: true });
    const text = await response.text();
    const location = response.headers.get('Location');
    return {
      status: response.status,
      headers: response.headers,
      body: text,
      setCookies,
      location: location === null ? null : new URL(location, url),
      form: formOf(text),
    };
  }

  async cookie(name: string): Promise<Cookie | undefined> {
    const cookies = await this.jar.getCookies(this.origin);
    return cookies.find((cookie) => cookie.key === name);
  }
}
