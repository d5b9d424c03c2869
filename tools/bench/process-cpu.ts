import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in /proc/PID/stat in ticks of this many milliseconds (USER_HZ is 100 on every common platform). */
const TICK_MS = 10;

/** CPU milliseconds, user and system, that a process has used in all: exact to a tick. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field, the name, may hold spaces and parentheses: count from its end. proc(5): fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/**
 * The same to the microsecond, for a process that lives for a tenth of a second, from its threads' run times; threads
 * that have ended are left out. Falls back to ticks where the kernel keeps no such statistics.
 */
export function fineCpuMs(pid: number): number {
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanoseconds / 1e6;
  } catch {
    return cpuMs(pid);
  }
}
