/** The simulator as a source: records of `simulate.ts` at the rate of the spec. */
import { createHash } from 'node:crypto';
import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { startCheckpointed } from '../checkpointed/checkpointed.ts';
import type { Input, InputRecord, Place } from '../checkpointed/input.ts';
import { simulate } from '../simulator/simulate.ts';
import type { Source } from './source.ts';

/** Records handed over at once. */
const CHUNK = 256;

export const simulator: Source = {
  async start(pipeline, context) {
    const { simulator: spec } = pipeline.spec.source;
    if (!spec) throw new Error('the Pipeline has no source.simulator');
    simulate(pipeline, 0, 0); // what cannot work is said before the start
    return startCheckpointed({
      pipeline,
      context,
      kind: 'simulator',
      limit: spec.limit ?? 0,
      open: async (signal) => inputOf(pipeline, spec.rate, signal),
    });
  },
};

function inputOf(pipeline: Pipeline, rate: number | undefined, signal: AbortSignal): Input {
  const gapMs = rate === undefined ? 0 : 1_000 / rate;
  // Its place is the ordinal alone.
  const next: Place = { loop: 0, file: 0, byte: 0 };

  async function* records({ ordinal, clockBaseMs }: Checkpoint): AsyncGenerator<InputRecord[]> {
    for (let from = ordinal; ; from += CHUNK) {
      signal.throwIfAborted();
      yield Array.from({ length: CHUNK }, (_, at) => ({ next, gapMs, make: () => simulate(pipeline, from + at, clockBaseMs) }));
    }
  }

  return {
    kind: 'simulator',
    settings: settingsOf(pipeline),
    identity: 'simulator',
    begin: async () => ({}),
    continues: async () => true,
    records,
  };
}

/** Hash of all that simulated records depend on. */
function settingsOf(pipeline: Pipeline): string {
  const { source, record } = pipeline.spec;
  const { rate, devices, seed, start, step, faults } = source.simulator ?? {};
  const { key, time, fields } = record;
  const text = JSON.stringify({ rate: step === undefined ? rate : null, devices, seed, start, step, faults, key, time, fields });
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
