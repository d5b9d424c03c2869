import type { Response } from 'miniflare';
import { expect } from 'vitest';
import type { AttackEnvironment } from './attack-environment.ts';
import { ORIGIN } from './visitor.ts';

export type Fields = Record<string, string>;

/** A sign-in page, opened once and submitted many times by an anonymous visitor who keeps no cookie. */
export interface SignInForm {
  cookie: string;
  token: string;
  submit(fields: Fields, headers?: Record<string, string>): Promise<Response>;
}

let addresses = 0;

/** An address that no other request of this file came from, so that the throttle never reaches its limits. */
export function freshAddress(): string {
  addresses += 1;
  return `100.${64 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses & 255}`;
}

export async function openSignInForm(environment: AttackEnvironment): Promise<SignInForm> {
  const page = await environment.fetch(`${ORIGIN}/sign-in/`);
  const cookie = /^csrftoken=[^;]+/.exec(page.headers.getSetCookie()[0] ?? '')?.[0] ?? '';
  const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  expect(token).not.toBe('');
  return {
    cookie,
    token,
    submit: (fields, headers) =>
      environment.fetch(`${ORIGIN}/sign-in/`, {
        method: 'POST',
        body: new URLSearchParams({ csrfmiddlewaretoken: token, ...fields }).toString(),
        headers: {
          'Content-Type': 'application/x-www-form-urlencoded',
          'CF-Connecting-IP': freshAddress(),
          Accept: 'text/html',
          Origin: ORIGIN,
          Cookie: cookie,
          ...headers,
        },
      }),
  };
}
