import type { ActivityLine } from '../activity/activity-log.ts';
import { describeDevice } from './device.ts';
import { Place } from './place.tsx';
import type { Texts } from './texts/texts.ts';
import { FullTime } from './time.tsx';

interface ActivityTableProps {
  readonly lines: readonly ActivityLine[];
  readonly nowMs: number;
  readonly texts: Texts;
}

export function ActivityTable({ lines, nowMs, texts }: ActivityTableProps) {
  const { activity } = texts;
  /** As it is, if it is a later release's. */
  const describeDetail = (detail: string): string =>
    (activity.details as Readonly<Record<string, string>>)[detail] ?? detail;

  if (lines.length === 0) return <p class="fine">{activity.none}</p>;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{activity.when}</th>
          <th scope="col">{activity.what}</th>
          <th scope="col">{activity.from}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr>
            <td>
              <FullTime atMs={line.atMs} nowMs={nowMs} texts={texts} />
            </td>
            <td>{describeDetail(line.detail)}</td>
            <td>
              <bdi>{describeDevice(null, line.userAgent, texts)}</bdi>
              {texts.comma}
              <Place client={line} unknown={activity.unknownAddress} texts={texts} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
