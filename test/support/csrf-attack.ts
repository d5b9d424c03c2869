import { expect } from 'vitest';
import { inParallel } from './in-parallel.ts';
import type { SeededVisitor, AttackEnvironment } from './attack-environment.ts';
import { ORIGIN } from './visitor.ts';

export const FORM = 'application/x-www-form-urlencoded';
const NEW_PASSWORD = 'another good long password';

/** A request by which a session's cookie can change something. */
export interface Target {
  method: string;
  path: string;
  /** Fields of a form, or a JSON body where `isApi`. */
  fields: Record<string, string>;
  isApi?: true;
}

export const targetsOf = ({ session, user }: SeededVisitor): Target[] => [
  { method: 'POST', path: '/logout/', fields: {} },
  { method: 'POST', path: '/sessions/revoke/', fields: { scope: 'all' } },
  { method: 'POST', path: '/sessions/revoke/', fields: { id: session.id } },
  {
    method: 'POST',
    path: '/account/password/',
    fields: { current_password: user.password, new_password: NEW_PASSWORD },
  },
  { method: 'DELETE', path: '/api/v1/sessions/current', fields: {}, isApi: true },
  { method: 'DELETE', path: '/api/v1/sessions?scope=all', fields: {}, isApi: true },
  { method: 'DELETE', path: `/api/v1/sessions/${session.id}`, fields: {}, isApi: true },
  {
    method: 'PUT',
    path: '/api/v1/password',
    fields: { current_password: user.password, new_password: NEW_PASSWORD },
    isApi: true,
  },
];

/** What an attacker changes in an otherwise valid request. */
export interface Attack {
  /** The `csrftoken` cookie; default: the victim's own. */
  cookie?: string;
  /** The token in the form field or in the header; default: neither. */
  field?: string;
  header?: string;
  headers?: Record<string, string>;
  query?: string;
  /** Instead of the form. */
  body?: string;
}

export interface Keys {
  victim: SeededVisitor;
  cookie: string;
  token: string;
}

export async function keysOf(victim: SeededVisitor): Promise<Keys> {
  const { csrfToken } = await victim.visitor.get('/home/');
  return { victim, cookie: (await victim.visitor.cookie('csrftoken')) ?? '', token: csrfToken ?? '' };
}

/** Sends the attack to this target. Returns the status. */
export async function send(
  environment: AttackEnvironment,
  { victim, cookie }: Keys,
  target: Target,
  attack: Attack,
): Promise<number> {
  const fields = {
    ...target.fields,
    ...(attack.field === undefined ? {} : { csrfmiddlewaretoken: attack.field }),
  };
  const body =
    attack.body ?? (target.isApi === true ? JSON.stringify(fields) : new URLSearchParams(fields).toString());
  const [path, query = ''] = target.path.split('?');
  const response = await environment.fetch(`${ORIGIN}${path}?${query}${attack.query ?? ''}`, {
    method: target.method,
    ...(target.method === 'DELETE' ? {} : { body: Buffer.from(body) }),
    headers: {
      'Content-Type': target.isApi === true ? 'application/json' : FORM,
      Cookie: `sessionid=${victim.token}; csrftoken=${attack.cookie ?? cookie}`,
      ...(attack.header === undefined ? {} : { 'X-CSRFToken': attack.header }),
      ...attack.headers,
    },
  });
  return response.status;
}

/** Sends the attack to each target. All must refuse it, and nothing may change. */
export async function expectRefused(
  environment: AttackEnvironment,
  keys: Keys,
  attack: Attack,
  statuses = [403],
): Promise<void> {
  const before = await environment.counts();
  await inParallel(targetsOf(keys.victim), async (target) => {
    expect(statuses, `${target.method} ${target.path}`).toContain(
      await send(environment, keys, target, attack),
    );
  });
  expect(await environment.counts()).toEqual(before);
  await environment.expectUsersUnchanged();
  expect(await keys.victim.visitor.isSignedIn()).toBe(true);
}
