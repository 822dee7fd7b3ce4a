import type { Fault } from './fault.ts';
import { lacksBrokers, victimOf } from './victim.ts';

/** The others take its partitions over after 2 s without a word from it. */
const LEAST_MS = 2_500;
const MOST_MS = 9_000;

/** SIGSTOP of a leader until another one has its partitions, and SIGCONT: it goes on as if it still led them. */
export const freezeBroker: Fault = {
  name: 'freeze leader',
  target: 'brokers',
  lacks: lacksBrokers,
  async happen(platform, random) {
    const { index, name } = await victimOf(platform, 'leader', random);
    const node = platform.broker.nodes[index];
    const ms = random.int(LEAST_MS, MOST_MS);
    node?.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms)); // how long it lasts is the fault
    node?.kill('SIGCONT');
    return `${name}, for ${ms} ms`;
  },
};
