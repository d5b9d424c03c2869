import type { ActivityLine } from '../activity/activity-log.ts';
import type { LoginOutcome, LogoutReason } from '../activity/events.ts';
import { describeCountry, describeDevice } from './device.ts';
import { Time } from './time.tsx';

/** An outcome or a reason, as the user it is about reads it. */
const DETAILS: Readonly<Record<LoginOutcome | LogoutReason, string>> = {
  success: 'Signed in',
  bad_credentials: 'Failed sign-in: wrong password',
  inactive: 'Failed sign-in: account disabled',
  throttled: 'Sign-ins paused: too many failures',
  logout: 'Signed out',
  logout_others: 'Signed out from another device',
  logout_all: 'Signed out everywhere',
  revoked: 'Signed out from another device',
  replaced: 'Replaced by a new sign-in',
  evicted: 'Signed out: too many sessions',
  password_changed: 'Signed out: password changed',
  admin: 'Signed out by an administrator',
  expired_idle: 'Signed out: not used for a while',
  expired_absolute: 'Signed out: session expired',
  abandoned: 'Sign-in not completed',
};

/** As it is, if it is a later release's. */
const describeDetail = (detail: string): string =>
  (DETAILS as Readonly<Record<string, string>>)[detail] ?? detail;

export function ActivityTable({ lines, nowMs }: { lines: readonly ActivityLine[]; nowMs: number }) {
  if (lines.length === 0) return <p class="fine">Nothing yet.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr>
            <td>
              <Time atMs={line.atMs} nowMs={nowMs} />
            </td>
            <td>{describeDetail(line.detail)}</td>
            <td>
              {describeDevice(null, line.userAgent)}, {line.ipAddress ?? 'unknown address'}
              {line.country === null ? '' : `, ${describeCountry(line.country)}`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
