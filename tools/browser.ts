import { CookieJar } from 'tough-cookie';
import { parseForm, type Form } from './html-form.ts';

/** Values for headers; undefined leaves one out. */
export type HeaderFields = Readonly<Record<string, string | undefined>>;
/** Values for the fields of a form; undefined leaves one out. */
export type FormFields = Readonly<Record<string, string | undefined>>;

export interface BrowserRequest {
  readonly method?: string;
  readonly headers?: HeaderFields;
  readonly body?: string | ReadableStream<Uint8Array>;
  /** Needed for a stream. */
  readonly duplex?: 'half';
}

/** The part of `fetch` that a browser needs: the platform's own, or miniflare's. */
export type Fetch = (
  url: string,
  request: BrowserRequest & { readonly headers: Record<string, string>; readonly redirect: 'manual' },
) => Promise<{
  readonly status: number;
  readonly headers: Iterable<[string, string]> & { getSetCookie(): string[] };
  text(): Promise<string>;
}>;

/** A response, its body read. */
export interface TextResponse {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Each `Set-Cookie` as it was sent. */
  readonly setCookies: readonly string[];
  /** As it was sent. */
  readonly location: string | null;
  /** The first form of the page; null: none. */
  readonly form: Form | null;
  /** `csrfmiddlewaretoken` of that form; null: none. */
  readonly csrfToken: string | null;
}

/** A page has no form to submit. */
export class NoFormError extends Error {
  override readonly name = 'NoFormError';
  constructor({ url, status }: TextResponse) {
    super(`${new URL(url).pathname} has no form (status ${status})`);
  }
}

/** Does what a browser does with cookies and forms. Doesn't follow redirects. */
export class Browser {
  readonly jar = new CookieJar(undefined, { prefixSecurity: 'strict' });
  readonly origin: string;
  readonly #fetch: Fetch;
  readonly #headers: HeaderFields;

  /** `headers` are sent with each request. */
  constructor(origin: string, fetch: Fetch, headers: HeaderFields) {
    this.origin = origin;
    this.#fetch = fetch;
    this.#headers = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', ...headers };
  }

  /** The value of a cookie that this browser would send to that path. */
  async cookie(name: string, path = '/'): Promise<string | undefined> {
    const cookies = await this.jar.getCookies(this.origin + path);
    return cookies.find((cookie) => cookie.key === name)?.value;
  }

  async setCookie(cookie: string): Promise<void> {
    await this.jar.setCookie(cookie, `${this.origin}/`);
  }

  get(path: string, headers: HeaderFields = {}): Promise<TextResponse> {
    return this.request(path, { headers });
  }

  /** Posts these fields alone, with the headers of a page of this origin. */
  post(path: string, fields: FormFields = {}, headers: HeaderFields = {}): Promise<TextResponse> {
    return this.request(path, {
      method: 'POST',
      body: new URLSearchParams(withoutUndefined(fields)).toString(),
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Origin: this.origin,
        'Sec-Fetch-Site': 'same-origin',
        ...headers,
      },
    });
  }

  /** Submits the first form of a page with its hidden fields and these. Throws `NoFormError`. */
  async submit(
    page: TextResponse,
    fields: FormFields = {},
    headers: HeaderFields = {},
  ): Promise<TextResponse> {
    if (page.form === null) throw new NoFormError(page);
    return this.post(page.form.action, { ...page.form.hidden, ...fields }, headers);
  }

  async request(path: string, request: BrowserRequest = {}): Promise<TextResponse> {
    const url = this.origin + path;
    const cookie = await this.jar.getCookieString(url);
    const headers = { ...this.#headers, ...(cookie === '' ? {} : { Cookie: cookie }), ...request.headers };
    const response = await this.#fetch(url, {
      ...request,
      headers: withoutUndefined(headers),
      redirect: 'manual',
    });
    const setCookies = response.headers.getSetCookie();
    // Browsers drop invalid cookies silently.
    for (const each of setCookies) await this.jar.setCookie(each, url, { ignoreError: true });
    const body = await response.text();
    const responseHeaders = new Headers([...response.headers]);
    const form = parseForm(body);
    return {
      url,
      status: response.status,
      headers: responseHeaders,
      body,
      setCookies,
      location: responseHeaders.get('Location'),
      form,
      csrfToken: form?.hidden['csrfmiddlewaretoken'] ?? null,
    };
  }
}

const withoutUndefined = (values: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
