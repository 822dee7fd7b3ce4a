/**
 * What a role takes with nothing to do: all records of its Pipelines are stored, none come. What wakes it then: a fetch that
 * the broker answers after 250 ms, a heartbeat per second and group, a look for new partitions every 5 s, the sink's
 * maintenance (every second for touched buckets, every minute for retention), and the producer's look at its topic every 10 s.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../report/outcome.ts';
import { makeBacklog } from '../run/backlog.ts';
import { ROLES, type RoleName, startRole } from '../run/roleProcess.ts';
import { watch } from '../run/watch.ts';
import type { Bench, Measurement } from './measurement.ts';

const PARTITIONS = 6;
const RECORDS = 600;
/** Compiling, collecting and first timers are over by then. */
const SETTLE_MS = 5_000;
const LIMIT_PERCENT = 1;

export const idle: Measurement = async (bench) => {
  const { pipelines, seconds } = bench.size.idle;
  const figures: Figure[] = [];
  for (const count of pipelines) {
    for (const [role, percent] of Object.entries(await idlePercent(bench, count)))
      figures.push({
        name: `${role}${count === 1 ? '' : ` of ${count} Pipelines`}`,
        value: percent,
        unit: '%',
        ...(count === 1 ? { bound: { below: LIMIT_PERCENT } } : {}),
      });
  }
  return {
    figures,
    notes: [`percent of a core over ${seconds} s, ${PARTITIONS} partitions, everything stored before`],
    plots: [],
  };
};

async function idlePercent({ servers, size }: Bench, count: number): Promise<Record<RoleName, number>> {
  const feeds = Array.from({ length: count }, (_, at) => ({
    name: `idle${count}n${at}`,
    records: RECORDS,
    partitions: PARTITIONS,
  }));
  const backlog = await makeBacklog(servers, feeds);
  const database = await servers.database(backlog.pipelines);
  const target = { brokers: servers.brokers, databaseUrl: database.url, files: backlog.files, folder: backlog.folder };
  const processes = ROLES.map((role) => ({ role, process: startRole(role, target) }));
  try {
    const stored = async (): Promise<number> =>
      Number((await database.pool.query('SELECT coalesce(sum(stored), 0) AS n FROM millrace.ledger')).rows[0].n);
    for (const { process } of processes.slice(-1)) await watch(process, backlog.records, stored);
    await sleep(SETTLE_MS); // nothing tells when a virtual machine has settled
    const before = processes.map(({ process }) => process.usage().cpuSeconds);
    const startedMs = performance.now();
    await sleep(size.idle.seconds * 1000);
    const elapsedSeconds = (performance.now() - startedMs) / 1000;
    const percents = processes.map(({ role, process }, at) => [
      role,
      ((process.usage().cpuSeconds - Number(before[at])) / elapsedSeconds) * 100,
    ]);
    return Object.fromEntries(percents);
  } finally {
    await Promise.all(processes.map(({ process }) => process.stop()));
    await database.drop();
    await backlog.remove();
  }
}
