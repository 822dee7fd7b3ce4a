/** Answers that get lost: the server has done what was asked, and the client can only find that out by itself. */
import type { FaultProxy } from '@millrace/embedded/faultProxy.ts';
import type { Proxies } from '../servers.ts';
import { type Fault, lacksProxies } from './fault.ts';
import { until } from './until.ts';

const WITHIN_MS = 40_000;

interface Answers {
  target: Fault['target'];
  of: readonly ('producer' | 'processor' | 'sink')[];
  proxies(proxies: Proxies): FaultProxy[];
}

const ANSWERS = {
  Produce: { target: 'kafka answers', of: ['producer', 'processor'], proxies: ({ kafka }) => kafka },
  OffsetCommit: { target: 'kafka answers', of: ['producer', 'processor'], proxies: ({ kafka }) => kafka },
  EndTxn: { target: 'kafka answers', of: ['sink'], proxies: ({ kafka }) => kafka },
  COMMIT: { target: 'postgres answers', of: ['sink'], proxies: ({ postgres }) => [postgres] },
} satisfies Record<string, Answers>;

export const dropAnswers = (request: keyof typeof ANSWERS): Fault => {
  const { target, of, proxies: which }: Answers = ANSWERS[request];
  return {
    name: `drop ${request} answers`,
    target,
    lacks: lacksProxies,
    async happen({ proxies }, random) {
      const client = `millrace-${random.pick(of)}`;
      const times = random.int(1, 4);
      const all = proxies === null ? [] : which(proxies);
      const dropped = () => all.reduce((sum, proxy) => sum + proxy.dropped(), 0);
      for (const proxy of all)
        proxy.dropAnswers((_answer, _requests, { answered }) =>
          answered.some((one) => one.request === request && one.client === client),
        );
      try {
        await until(`${times} answers to ${request} of ${client} were dropped`, WITHIN_MS, () => dropped() >= times);
      } finally {
        for (const proxy of all) proxy.passAnswers();
      }
      return `${dropped()} of ${client}`;
    },
  };
};
