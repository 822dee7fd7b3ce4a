/**
 * A first figure: a backlog of N simulated records (default 1,000,000) goes through each role alone, one after the other:
 * records per second, CPU seconds per million and the most resident memory of the role's process. It includes
 * the start of the process (about a second).
 *
 *     node bench/backlog.ts [N]
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeCheckpoint } from '@millrace/core/record/checkpoint.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { ROLES, type RoleName, removeFolder, startPlatform } from '../e2e/platform.ts';

const records = Number(process.argv[2] ?? 1_000_000);
const CLOCK_TICKS_PER_SECOND = 100;

const platform = await startPlatform(
  `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: backlog }
spec:
  source: { simulator: { seed: 1, devices: 1000, step: 1s, start: "2026-01-01T00:00:00Z", limit: ${records} } }
  topics: { partitions: 6 }
  record:
    key: device
    time: { field: at }
    fields:
      device: { type: text, required: true }
      temperature: { type: float, min: -40, max: 60, unit: °C }
      humidity: { type: float, min: 0, max: 100, unit: "%" }
      pulses: { type: int, min: 0 }
      open: { type: bool }
      state: { type: text, enum: [OK, LOW, HIGH] }
  table: { name: backlog }
`,
  [],
);
const { kafka, database, loaded } = platform;
const names = namesOf(loaded.pipeline);

/** Records of each role that are done with. */
const done: Record<RoleName, () => Promise<number>> = {
  producer: async () => {
    const checkpoint = (await kafka.committed(names.replayGroup, names.raw)).get(0);
    return checkpoint && decodeCheckpoint(checkpoint.metadata)?.completed ? checkpoint.offset : 0;
  },
  processor: async () =>
    [...(await kafka.committed(names.processorGroup, names.raw)).values()].reduce((sum, { offset }) => sum + offset, 0),
  sink: async () => Number((await database.query('select coalesce(sum(stored), 0) as n from millrace.ledger')).rows[0].n),
};

/** Resident memory at its highest, MiB, and CPU seconds of a process (proc(5)). */
function usage(pid: number): { mebibytes: number; cpuSeconds: number } {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return { mebibytes: Number(peak) / 1024, cpuSeconds: (Number(stat[11]) + Number(stat[12])) / CLOCK_TICKS_PER_SECOND };
}

console.log(`${records} records, 6 partitions, one role at a time\n`);
console.log('role        records/s   CPU s per million   most resident MiB');
for (const role of ROLES) {
  const startedAt = performance.now();
  platform.startRole(role);
  while ((await done[role]()) < records) await sleep(100);
  const seconds = (performance.now() - startedAt) / 1000;
  const { mebibytes, cpuSeconds } = usage(platform.pid(role));
  const rate = Math.round(records / seconds).toLocaleString('en');
  console.log(
    `${role.padEnd(10)} ${rate.padStart(10)} ${((cpuSeconds / records) * 1e6).toFixed(1).padStart(19)} ${mebibytes.toFixed(0).padStart(19)}`,
  );
}
await platform.stop();
removeFolder(platform);
