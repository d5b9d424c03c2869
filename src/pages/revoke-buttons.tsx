import type { Child } from 'hono/jsx';
import { CSRF_FIELD } from '../http/csrf.ts';
import type { Session } from '../session/session.ts';
import { describeCountry, describeDevice } from './device.ts';
import { Time } from './time.tsx';

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
}

/** A session and the button that ends it. */
export function SessionItem({ session, isCurrent, nowMs, form }: SessionItemProps) {
  const { client } = session;
  const device = describeDevice(session.deviceName, client.userAgent);
  const place = [client.ipAddress, describeCountry(client.country)]
    .filter((each) => each !== null)
    .join(', ');
  return (
    <li>
      <div>
        <strong title={client.userAgent ?? undefined}>
          <bdi>{device}</bdi>
        </strong>
        {isCurrent ? <span class="badge">This device</span> : null}
        {session.kind === 'bearer' ? <span class="badge soft">App</span> : null}
        {session.rememberMe ? <span class="badge soft">Remembered</span> : null}
        <p class="fine">
          {place === '' ? 'Unknown address' : place} · signed in{' '}
          <Time atMs={session.createdAtMs} nowMs={nowMs} /> · last seen{' '}
          <Time atMs={session.lastSeenAtMs} nowMs={nowMs} />
        </p>
      </div>
      <RevokeForm {...form} name="id" value={session.id}>
        <button
          class="quiet"
          type="submit"
          aria-label={isCurrent ? 'Sign out on this device' : `Sign out ${device}`}
        >
          {isCurrent ? 'Sign out on this device' : 'Sign out'}
        </button>
      </RevokeForm>
    </li>
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
