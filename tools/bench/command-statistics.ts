/** What Redis did, those commands included that scripts carried out. */
export interface InRedis {
  commands: number;
  /** Microseconds that Redis was busy with them. */
  microseconds: number;
}

export interface CommandStatistics extends InRedis {
  /** How often each command was carried out, by its name in lower case. */
  calls: Record<string, number>;
}

/**
 * Reads `INFO commandstats`, which counts for the whole server since its last `CONFIG RESETSTAT`. A script's time
 * holds that of its commands, and it is no command of its own.
 */
export function readCommandStatistics(info: string): CommandStatistics {
  const calls: Record<string, number> = {};
  let commands = 0;
  let microseconds = 0;
  let scriptMicroseconds = 0;
  for (const [, name = '', count, usec] of info.matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=(\d+)/gm)) {
    if (name === 'info' || name.startsWith('config')) continue;
    if (name === 'eval') {
      scriptMicroseconds += Number(usec);
      continue;
    }
    calls[name] = Number(count);
    commands += Number(count);
    microseconds += Number(usec);
  }
  return { calls, commands, microseconds: Math.max(microseconds, scriptMicroseconds) };
}
