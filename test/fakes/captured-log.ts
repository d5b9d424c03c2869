import type { Log, LogEvent, LogFields } from '../../src/log.ts';

/** A log that keeps what was written, for tests to look at. */
export class CapturedLog implements Log {
  readonly entries: { readonly name: LogEvent; readonly fields: LogFields }[] = [];

  event(name: LogEvent, fields: LogFields): void {
    this.entries.push({ name, fields });
  }

  /** The fields of all events of that name, oldest first. */
  of(name: LogEvent): LogFields[] {
    return this.entries.filter((entry) => entry.name === name).map((entry) => entry.fields);
  }

  /** Everything at once, for a search after what must not be in a log. */
  text(): string {
    return JSON.stringify(this.entries);
  }
}
