/** CPU and memory of a process, read from Linux' proc(5). The readers are apart from what they read, which is pure. */
import { readFileSync } from 'node:fs';

const CLOCK_TICKS_PER_SECOND = 100;

export interface Usage {
  /** Of all threads since the process started, in user and kernel. */
  cpuSeconds: number;
  residentMebibytes: number;
  peakMebibytes: number;
}

/** @throws Error where the process is gone, or the system has no /proc */
export function usageOf(pid: number): Usage {
  try {
    return readUsage(readFileSync(`/proc/${pid}/stat`, 'utf8'), readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (cause) {
    throw new Error(`/proc/${pid} tells no CPU time and memory (is the process gone, or is this not Linux?)`, { cause });
  }
}

/** @param stat text of /proc/PID/stat, @param status of /proc/PID/status. @throws Error naming the field that is missing */
export function readUsage(stat: string, status: string): Usage {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the program's name may hold blanks and brackets
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isFinite(ticks)) throw new Error(`no CPU time in ${JSON.stringify(stat.slice(0, 200))}`);
  return {
    cpuSeconds: ticks / CLOCK_TICKS_PER_SECOND,
    residentMebibytes: mebibytes('VmRSS', status),
    peakMebibytes: mebibytes('VmHWM', status),
  };
}

/** Of several processes together. */
export function addUsage(usages: readonly Usage[]): Usage {
  const sum = (of: (usage: Usage) => number): number => usages.reduce((total, usage) => total + of(usage), 0);
  return {
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    residentMebibytes: sum(({ residentMebibytes }) => residentMebibytes),
    peakMebibytes: sum(({ peakMebibytes }) => peakMebibytes),
  };
}

function mebibytes(field: string, status: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`no ${field} in ${JSON.stringify(status.slice(0, 200))}`);
  return Number(kibibytes) / 1024;
}
