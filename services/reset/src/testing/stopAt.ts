/** A reset in a process of its own that stops at a step and waits there to be killed: STEP, PIPELINE (JSON), BROKERS, DATABASE. */
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { pino } from 'pino';
import { resetPipeline } from '../reset.ts';

const { STEP = '', PIPELINE = '', BROKERS = '', DATABASE = '' } = process.env;
const log = pino({ level: 'silent' });
const kafka = connectKafka({ brokers: BROKERS.split(','), clientId: 'stopped', log });
const database = connectDatabase({ url: DATABASE, applicationName: 'stopped', log });
const there = async (): Promise<void> => {
  process.stdout.write('there\n');
  await new Promise(() => setInterval(() => {}, 60_000));
};
await resetPipeline(
  JSON.parse(PIPELINE),
  { kafka, database, log },
  {
    fromMs: null,
    apply: true,
    restart: false,
    signal: new AbortController().signal,
    at: async (step) => {
      if (step === STEP) await there();
    },
  },
);
process.exit(1);
