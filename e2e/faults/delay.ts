import type { FaultProxy } from '@millrace/embedded/faultProxy.ts';
import type { Proxies } from '../servers.ts';
import { type Fault, lacksProxies } from './fault.ts';

const BEFORE = {
  Kafka: ({ kafka }: Proxies): FaultProxy[] => kafka,
  database: ({ postgres }: Proxies): FaultProxy[] => [postgres],
};

/** Everything to and from a server takes longer for a few seconds. */
export const delay = (what: keyof typeof BEFORE): Fault => ({
  name: `delay ${what}`,
  target: 'network',
  lacks: lacksProxies,
  async happen({ proxies }, random) {
    const all = proxies === null ? [] : BEFORE[what](proxies);
    const lateMs = random.int(50, 600);
    const forMs = random.int(1_000, 4_000);
    for (const proxy of all) proxy.delay(lateMs);
    await new Promise((resolve) => setTimeout(resolve, forMs)); // how long it lasts is the fault
    for (const proxy of all) proxy.delay(0);
    return `each chunk by ${lateMs} ms, for ${forMs} ms`;
  },
});
