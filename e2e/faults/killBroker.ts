import type { Fault } from './fault.ts';
import { lacksBrokers, type Victim, victimOf } from './victim.ts';

/** SIGKILL of the broker that leads a partition with traffic, or that coordinates the consumer groups. */
export const killBroker = (which: Victim): Fault => ({
  name: `kill ${which}`,
  target: 'brokers',
  lacks: lacksBrokers,
  async happen(platform, random) {
    const { index, name } = await victimOf(platform, which, random);
    await platform.kill('broker', index);
    return name;
  },
});
