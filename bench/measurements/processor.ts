/** The processor against a bare kafkajs consume-and-produce loop over the same raw records (`peers/bareLoop.ts`). */
import { fileURLToPath } from 'node:url';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Figure } from '../report/outcome.ts';
import { median, medianRatio } from '../report/statistics.ts';
import type { Backlog, RoleRun } from '../run/backlog.ts';
import { startProcess } from '../run/roleProcess.ts';
import { rounds } from '../run/rounds.ts';
import { cpuSecondsPerMillion, rowsPerSecond } from '../run/steady.ts';
import { watch } from '../run/watch.ts';
import type { Bench, Measurement } from './measurement.ts';

const BARE_LOOP = fileURLToPath(new URL('../peers/bareLoop.ts', import.meta.url));

export const processor: Measurement = async (bench) => {
  const backlog = await bench.backlog('processor');
  const runs = await rounds(bench.size.rounds, {
    processor: () => backlog.run('processor'),
    bare: (round) => bareLoop(bench, backlog, round),
  });
  const rates = (of: readonly RoleRun[]): number[] => of.map((run) => run.rowsPerSecond);
  const figure = (name: string, of: readonly RoleRun[]): Figure => ({ name, value: median(rates(of)), unit: 'rows/s' });
  const cpu = (of: readonly RoleRun[]): number => median(of.map((run) => run.cpuSecondsPerMillion));
  return {
    figures: [
      figure('processor', runs.processor),
      figure('bare kafkajs loop', runs.bare),
      {
        name: 'processor / bare loop',
        value: medianRatio(rates(runs.processor), rates(runs.bare)),
        unit: '×',
        bound: { least: 0.6 },
      },
      { name: 'bare kafkajs loop: CPU', value: cpu(runs.bare), unit: 'CPU s per million rows' },
    ],
    notes: [`${backlog.records} records; the bare loop parses nothing, the processor decodes, checks and encodes each record`],
    plots: [],
  };
};

async function bareLoop({ servers }: Bench, { pipelines, records, folder }: Backlog, round: number): Promise<RoleRun> {
  const { kafka, brokers } = servers;
  const [loaded] = pipelines;
  if (loaded === undefined) throw new Error('the backlog has no Pipeline');
  const { raw, processed } = namesOf(loaded.pipeline);
  const to = `bench.bare.${round}`;
  const config = await kafka.topicConfig(processed);
  const settings = ['max.message.bytes', 'message.timestamp.type'];
  await kafka.createTopic({
    name: to,
    partitions: (await kafka.bounds(raw)).length,
    config: Object.fromEntries(settings.map((name) => [name, String(config[name])])),
  });
  const process_ = startProcess('bare-loop', process.execPath, [BARE_LOOP, brokers.join(','), raw, to, `${to}.group`], {
    folder,
    env: process.env,
  });
  try {
    const looks = await watch(process_, records, async () => (await kafka.bounds(to)).reduce((sum, { end }) => sum + end, 0));
    const { peakMebibytes } = process_.usage();
    return { rowsPerSecond: rowsPerSecond(looks), cpuSecondsPerMillion: cpuSecondsPerMillion(looks), peakMebibytes, looks };
  } finally {
    await process_.stop();
    await kafka.deleteTopic(to);
  }
}
