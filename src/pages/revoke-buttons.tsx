import type { Child } from 'hono/jsx';
import { CSRF_FIELD } from '../http/csrf.ts';
import type { Session } from '../session/session.ts';
import { describeDevice } from './device.ts';
import { exactWords } from './intl.ts';
import { Place } from './place.tsx';
import type { Texts } from './texts/texts.ts';
import { ExactTime, Time } from './time.tsx';

/** What each form on the page that lists sessions has in common. */
interface RevokeFormTarget {
  readonly action: string;
  readonly csrfToken: string;
}

interface SessionItemProps {
  readonly session: Session;
  readonly isCurrent: boolean;
  readonly nowMs: number;
  readonly form: RevokeFormTarget;
  readonly texts: Texts;
}

/** A session and the button that ends it. */
export function SessionItem({ session, isCurrent, nowMs, form, texts }: SessionItemProps) {
  const { client } = session;
  const words = texts.sessions;
  const device = describeDevice(session.deviceName, client.userAgent, texts);
  return (
    <li>
      <div>
        <strong>
          <bdi>{device}</bdi>
        </strong>{' '}
        {isCurrent ? <span class="badge">{words.thisDevice}</span> : null}{' '}
        {session.kind === 'bearer' ? <span class="badge soft">{words.app}</span> : null}{' '}
        {session.rememberMe ? <span class="badge soft">{words.remembered}</span> : null}
        <p class="fine">
          <Place client={client} unknown={words.unknownAddress} texts={texts} />
          {' · '}
          {words.signedIn(<Time atMs={session.createdAtMs} nowMs={nowMs} texts={texts} />)}
          {' · '}
          {words.lastSeen(<Time atMs={session.lastSeenAtMs} nowMs={nowMs} texts={texts} />)}
        </p>
        <SessionDetails session={session} texts={texts} />
      </div>
      <RevokeForm {...form} name="id" value={session.id}>
        <button
          class="quiet"
          type="submit"
          aria-label={
            isCurrent ? undefined : words.signOutDevice(device, exactWords(texts.locale, session.createdAtMs))
          }
        >
          {isCurrent ? words.signOutHere : words.signOutOne}
        </button>
      </RevokeForm>
    </li>
  );
}

/** What is exact: long, and seldom needed. */
function SessionDetails({ session, texts }: { session: Session; texts: Texts }) {
  const { details } = texts.sessions;
  return (
    <details>
      <summary>{details.show}</summary>
      <dl>
        <dt>{details.signedIn}</dt>
        <dd>
          <ExactTime atMs={session.createdAtMs} texts={texts} />
        </dd>
        <dt>{details.lastSeen}</dt>
        <dd>
          <ExactTime atMs={session.lastSeenAtMs} texts={texts} />
        </dd>
        <dt>{details.userAgent}</dt>
        <dd>
          <bdi>{session.client.userAgent ?? '–'}</bdi>
        </dd>
      </dl>
    </details>
  );
}

interface ScopeButtonProps {
  readonly scope: 'others' | 'all';
  readonly form: RevokeFormTarget;
  readonly label: string;
}

/** Ends several sessions at once. */
export function ScopeButton({ scope, form, label }: ScopeButtonProps) {
  return (
    <RevokeForm {...form} name="scope" value={scope}>
      <button class="danger" type="submit">
        {label}
      </button>
    </RevokeForm>
  );
}

interface RevokeFormProps extends RevokeFormTarget {
  readonly name: string;
  readonly value: string;
  readonly children?: Child;
}

function RevokeForm({ action, csrfToken, name, value, children }: RevokeFormProps) {
  return (
    <form method="post" action={action}>
      <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
      <input type="hidden" name={name} value={value} />
      {children}
    </form>
  );
}
