import { namesOf } from '@millrace/core/spec/names.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { pino } from 'pino';
import { type Fault, nothing } from './fault.ts';
import { until } from './until.ts';

const WITHIN_MS = 60_000;

/**
 * Deletes a topic and makes it again. Of `processed`, the raw topic still has all that it held, of `latest` the table; of `raw`, what no processor
 * has read is gone, so that it is not for runs that expect every row.
 */
export const recreateTopic = (which: 'raw' | 'processed' | 'latest'): Fault => ({
  name: `recreate ${which} topic`,
  target: 'database', // set-up asks it, too
  lacks: nothing,
  async happen({ loaded, kafka, database }) {
    const topic = namesOf(loaded.pipeline)[which];
    const before = await kafka.topic(topic);
    if (before === null) throw new Error(`there is no topic ${topic} to delete`);
    // Brokers may be away for a moment.
    await until(`${topic} is deleted`, WITHIN_MS, async () => {
      if ((await kafka.topic(topic))?.id === before.id) await kafka.deleteTopic(topic);
      return true;
    });
    await until(`${topic} is made again`, WITHIN_MS, async () => {
      await setupPipeline(loaded.pipeline, { kafka, database, log: pino({ level: 'silent' }) });
      return true;
    });
    return `${before.id} became ${(await kafka.topic(topic))?.id}`;
  },
});
