/** What Redis did, commands inside scripts included. */
export interface InRedis {
  commands: number;
  /** How long Redis was busy with them. */
  microseconds: number;
}

export interface CommandStatistics extends InRedis {
  /** How often each command ran, by its name in lower case. */
  calls: Record<string, number>;
}

/**
 * Reads `INFO commandstats`, which counts for the whole server since its last `CONFIG RESETSTAT`. A script's time
 * includes that of its commands, and the script itself is not counted as a command.
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
