import { expect, test } from 'vitest';
import { readUsage, usageOf } from './usage.ts';

const STAT = '4242 (node (x) y) S 1 4242 4242 0 -1 4194560 9999 0 3 0 1234 66 0 0 20 0 11 0 8821 1300000000 20000';
const STATUS = 'Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nThreads:\t11\n';

test('CPU time and memory are those of the kernel, whatever the program is called', () => {
  expect(readUsage(STAT, STATUS)).toEqual({ cpuSeconds: 13, residentMebibytes: 100, peakMebibytes: 200 });
});

test('a process that has ended (no memory left) is an error, not 0 MiB', () => {
  expect(() => readUsage(STAT, 'Name:\tnode\nState:\tZ (zombie)\n')).toThrow('no VmRSS');
  expect(() => usageOf(2 ** 30)).toThrow('/proc/1073741824');
});

test('this very process has used time and memory', () => {
  const { cpuSeconds, residentMebibytes, peakMebibytes } = usageOf(process.pid);
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(residentMebibytes).toBeGreaterThan(10);
  expect(peakMebibytes).toBeGreaterThanOrEqual(residentMebibytes);
});
