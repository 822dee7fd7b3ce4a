/** Each role alone on the shared backlog: rows per second, CPU seconds per million rows, memory over time. */
import { type Figure, memorySeries } from '../report/outcome.ts';
import { median } from '../report/statistics.ts';
import { ROLES } from '../run/roleProcess.ts';
import { thinned } from '../run/steady.ts';
import type { Measurement } from './measurement.ts';

/** What the project allows a role to have resident, at any backlog. */
export const MEMORY_LIMIT_MEBIBYTES = 250;
const SAMPLE_MS = 250;

export const roles: Measurement = async (bench) => {
  const backlog = await bench.backlog('sink');
  if (backlog.runs.sink.length === 0) await backlog.run('sink');
  const { runs, records } = backlog;
  const figures = ROLES.flatMap((role): Figure[] => {
    const cpu = runs[role].map(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion);
    return [
      { name: `${role}: rate`, value: median(runs[role].map(({ rowsPerSecond }) => rowsPerSecond)), unit: 'rows/s' },
      { name: `${role}: CPU`, value: median(cpu), unit: 'CPU s per million rows' },
      {
        name: `${role}: most resident`,
        value: Math.max(...runs[role].map(({ peakMebibytes }) => peakMebibytes)),
        unit: 'MiB',
        bound: { below: MEMORY_LIMIT_MEBIBYTES },
      },
    ];
  });
  const series = ROLES.flatMap((role) => runs[role].slice(-1).map(({ looks }) => memorySeries(role, thinned(looks, SAMPLE_MS))));
  return {
    figures,
    notes: [
      `${records} records, one role at a time; medians of ${ROLES.map((role) => `${runs[role].length} (${role})`).join(', ')}`,
    ],
    plots: [
      {
        name: 'bench-memory',
        title: `Resident memory while a backlog of ${records.toLocaleString('en')} records is worked off`,
        x: { label: 'seconds' },
        y: { label: 'MiB' },
        series,
        limit: { label: `required: below ${MEMORY_LIMIT_MEBIBYTES} MiB`, y: MEMORY_LIMIT_MEBIBYTES },
      },
    ],
  };
};
