/** How long the audit takes to prove that every record of a backlog is stored, refused or dropped (`millrace audit`). */
import { audit as prove } from '@millrace/audit/audit.ts';
import type { Figure, Outcome } from '../report/outcome.ts';
import { type Backlog, makeBacklog } from '../run/backlog.ts';
import type { Bench, Measurement } from './measurement.ts';

const PARTITIONS = 6;
/** What the project asks for: so many rows within a minute. */
const REQUIRED_ROWS = 10_000_000;
const REQUIRED_SECONDS = 60;

export const audit: Measurement = async (bench) => {
  const { auditRows } = bench.size;
  if (auditRows === null) return measure(bench, await bench.backlog('sink'));
  const backlog = await makeBacklog(bench.servers, [{ name: 'audit', records: auditRows, partitions: PARTITIONS }]);
  try {
    await backlog.run('producer');
    await backlog.run('processor');
    return await measure(bench, backlog);
  } finally {
    await backlog.remove();
  }
};

async function measure({ servers: { kafka } }: Bench, { pipelines, records, run }: Backlog): Promise<Outcome> {
  let seconds = Number.NaN;
  await run('sink', async ({ pool }) => {
    for (const { pipeline } of pipelines) {
      const { state, checks, tookMs } = await prove(pipeline, { kafka, database: pool });
      if (state !== 'equal')
        throw new Error(`the audit of a backlog that was stored says ${state}: ${checks.map(({ text }) => text).join('; ')}`);
      seconds = tookMs / 1000;
    }
  });
  const bound = { below: REQUIRED_SECONDS };
  const audited: Figure = { name: `audit of ${records.toLocaleString('en')} rows`, value: seconds, unit: 's' };
  const scaled: Figure = {
    name: `${REQUIRED_ROWS.toLocaleString('en')} rows, scaled up from that`,
    value: (seconds * REQUIRED_ROWS) / records,
    unit: 's',
    bound,
  };
  const figures = records >= REQUIRED_ROWS ? [{ ...audited, bound }] : [audited, scaled];
  return { figures, notes: ['counts, not the comparison of every row (--full); without the start of a process'], plots: [] };
}
