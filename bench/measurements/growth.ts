/**
 * How cost grows with rows, partitions, columns and Pipelines: the three roles, one after the other, on a backlog of each
 * step of a ladder. Cost is CPU seconds per million rows; memory is the most that a role had resident.
 */
import type { Figure, Outcome, Plot } from '../report/outcome.ts';
import { makeBacklog, type RoleRun } from '../run/backlog.ts';
import { DEFAULT_COLUMNS, type Feed } from '../run/feed.ts';
import { ROLES, type RoleName } from '../run/roleProcess.ts';
import type { Size } from '../sizes.ts';
import type { Bench, Measurement } from './measurement.ts';
import { MEMORY_LIMIT_MEBIBYTES } from './roles.ts';

const PARTITIONS = 6;

type Ladder = keyof Size['growth'];

/** The feeds of one step. */
const LADDERS: Readonly<Record<Ladder, (step: number, records: number) => Feed[]>> = {
  rows: (step) => [{ name: `rows${step}`, records: step, partitions: PARTITIONS }],
  partitions: (step, records) => [{ name: `partitions${step}`, records, partitions: step }],
  columns: (step, records) => [{ name: `columns${step}`, records, partitions: PARTITIONS, columns: step }],
  pipelines: (step, records) =>
    Array.from({ length: step }, (_, at) => ({
      name: `pipelines${step}n${at}`,
      records: Math.ceil(records / step),
      partitions: PARTITIONS,
    })),
};

type Runs = Record<RoleName, RoleRun>;

export const growth: Measurement = async (bench) => {
  const outcome: Outcome = {
    figures: [],
    notes: [
      `${bench.size.growthRows} records but for the ladder of rows, ${PARTITIONS} partitions, ${DEFAULT_COLUMNS} columns and one Pipeline but for theirs`,
    ],
    plots: [],
  };
  for (const ladder of Object.keys(LADDERS) as Ladder[]) {
    const steps: { step: number; runs: Runs }[] = [];
    for (const step of bench.size.growth[ladder]) {
      steps.push({ step, runs: await climb(bench, LADDERS[ladder](step, bench.size.growthRows)) });
      bench.say(`  ${step} ${ladder}: done`);
    }
    outcome.figures.push(...steps.flatMap(({ step, runs }) => figuresOf(ladder, step, runs)));
    if (steps.length > 0) outcome.plots.push(plotOf(ladder, steps));
  }
  return outcome;
};

async function climb({ servers }: Bench, feeds: readonly Feed[]): Promise<Runs> {
  const backlog = await makeBacklog(servers, feeds);
  try {
    return {
      producer: await backlog.run('producer'),
      processor: await backlog.run('processor'),
      sink: await backlog.run('sink'),
    };
  } finally {
    await backlog.remove();
  }
}

function figuresOf(ladder: Ladder, step: number, runs: Runs): Figure[] {
  const name = `${step.toLocaleString('en')} ${ladder}`;
  return ROLES.flatMap((role): Figure[] => [
    { name: `${name}: ${role}, CPU`, value: runs[role].cpuSecondsPerMillion, unit: 'CPU s per million rows' },
    {
      name: `${name}: ${role}, most resident`,
      value: runs[role].peakMebibytes,
      unit: 'MiB',
      bound: { below: MEMORY_LIMIT_MEBIBYTES },
    },
  ]);
}

function plotOf(ladder: Ladder, steps: readonly { step: number; runs: Runs }[]): Plot {
  return {
    name: `bench-growth-${ladder}`,
    title: `CPU by number of ${ladder}`,
    x: { label: ladder, log: true },
    y: { label: 'CPU s per million rows' },
    series: ROLES.map((role) => ({
      name: role,
      points: steps.map(({ step, runs }): [number, number] => [step, runs[role].cpuSecondsPerMillion]),
    })),
  };
}
