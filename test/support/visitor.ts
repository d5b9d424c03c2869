import type { RequestInit, Response } from 'miniflare';
import { expect } from 'vitest';
import { Browser, type HeaderFields, type TextResponse } from '../../tools/browser.ts';

export { decodeEntities } from '../../tools/html-form.ts';

/** Where visitors go unless a test says otherwise; the Worker sees this scheme and host. */
export const ORIGIN = 'https://login.example.org';

export interface VisitorOptions {
  origin?: string;
  /** `CF-Connecting-IP`; by default one that no other visitor in this file has. */
  ipAddress?: string;
  /** Sent with each request, over the defaults; undefined takes one away. */
  headers?: HeaderFields;
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

export type Answer = TextResponse;

let visitors = 0;

/** A browser in front of the Worker under test, with an address of its own. */
export class Visitor extends Browser {
  readonly ipAddress: string;

  constructor(
    fetch: (url: string, init?: RequestInit) => Promise<Response>,
    { origin = ORIGIN, ipAddress, headers, cf = {} }: VisitorOptions = {},
  ) {
    visitors += 1;
    const address = ipAddress ?? `198.18.${visitors >> 8}.${visitors & 255}`;
    super(origin, (url, request) => fetch(url, { ...request, cf } as RequestInit), {
      'CF-Connecting-IP': address,
      'User-Agent': 'Mozilla/5.0 (test)',
      ...headers,
    });
    this.ipAddress = address;
  }

  /** Opens the sign-in page and submits it; returns whatever came back. */
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

  /** Whether this browser gets the home page. */
  async isSignedIn(): Promise<boolean> {
    const { status, location } = await this.get('/home/');
    if (status === 302) expect(location).toBe('/sign-in/?next=%2Fhome%2F');
    else expect(status).toBe(200);
    return status === 200;
  }
}
