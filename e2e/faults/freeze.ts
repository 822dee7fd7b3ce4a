/**
 * SIGSTOP of a group's member at the worst moment: when a server has done what it asked for, and it does not know yet. The
 * answer is held in the proxy until the process is stopped. It sleeps beyond its session, until another member has joined a
 * generation without it, and wakes by SIGCONT with the answer in its hands.
 */
import type { FaultProxy } from '@millrace/embedded/faultProxy.ts';
import type { Platform } from '../platform.ts';
import type { Proxies } from '../servers.ts';
import type { Fault } from './fault.ts';
import { lacksProxies } from './fault.ts';
import { knowsOwners, ownerOf } from './owner.ts';
import { until } from './until.ts';

/** How long a moment may let itself be waited for. */
const CATCH_WITHIN_MS = 40_000;
/** Longer than any session and rebalance, also when the coordinator is killed meanwhile. */
const TAKEN_OVER_WITHIN_MS = 60_000;

interface Moment {
  name: string;
  role: 'processor' | 'sink';
  /** What it waits for the answer of. */
  request: string;
  proxies(proxies: Proxies): FaultProxy[];
}

const MOMENTS = {
  sent: {
    name: 'freeze processor between send and commit',
    role: 'processor',
    request: 'Produce',
    proxies: ({ kafka }) => kafka,
  },
  committed: {
    name: 'freeze processor when its offsets are committed',
    role: 'processor',
    request: 'OffsetCommit',
    proxies: ({ kafka }) => kafka,
  },
  copied: {
    name: 'freeze sink in its transaction',
    role: 'sink',
    request: 'COPY',
    proxies: ({ postgres }) => [postgres],
  },
  stored: {
    name: 'freeze sink when its transaction is committed',
    role: 'sink',
    request: 'COMMIT',
    proxies: ({ postgres }) => [postgres],
  },
  newestBegun: {
    name: 'freeze sink when its transaction of newest rows has begun',
    role: 'sink',
    request: 'AddPartitionsToTxn',
    proxies: ({ kafka }) => kafka,
  },
  newestCommitted: {
    name: 'freeze sink when its transaction of newest rows is committed',
    role: 'sink',
    request: 'EndTxn',
    proxies: ({ kafka }) => kafka,
  },
} satisfies Record<string, Moment>;

export const freeze = (which: keyof typeof MOMENTS): Fault => {
  const moment: Moment = MOMENTS[which];
  const { name, role } = moment;
  return {
    name,
    target: role,
    lacks: (platform) => {
      if (!knowsOwners) return '/proc, which tells whose a connection is';
      return platform.pids(role).length > 1 ? lacksProxies(platform) : `a second ${role} that takes over`;
    },
    async happen(platform, random) {
      const nth = await stopAt(platform, moment);
      const stoppedAt = performance.now();
      try {
        const others = [...platform.pids(role).keys()].filter((other) => other !== nth);
        const before = others.map((other) => generations(platform, role, other));
        await until(`another ${role} has joined without number ${nth}`, TAKEN_OVER_WITHIN_MS, () =>
          others.some((other, at) => generations(platform, role, other) > (before[at] ?? 0)),
        );
        await new Promise((resolve) => setTimeout(resolve, random.int(0, 1_500))); // how far the other one gets is the fault
      } finally {
        platform.signal(role, nth, 'SIGCONT');
      }
      return `number ${nth} slept ${((performance.now() - stoppedAt) / 1000).toFixed(1)} s`;
    },
  };
};

/** Stops the member that the moment comes to first; answers which one that is. */
async function stopAt(platform: Platform, { name, role, request, proxies }: Moment): Promise<number> {
  const all = platform.proxies === null ? [] : proxies(platform.proxies);
  const client = `millrace-${role}`;
  const held = all.map((proxy) =>
    proxy.holdAnswer((_answer, _requests, { answered }) =>
      answered.some((one) => one.request === request && one.client === client),
    ),
  );
  const tooLate = setTimeout(() => held.map((one) => one.release()), CATCH_WITHIN_MS);
  try {
    const connections = all.map(async ({ port: serverPort }, at) => ({ serverPort, clientPort: (await held[at]?.caught) ?? 0 }));
    const connection = await Promise.any(connections);
    const pids = platform.pids(role);
    const nth = pids.indexOf(ownerOf(connection, pids) ?? -1);
    if (nth === -1) throw new Error(`the ${role} whose answer was held has ended`);
    platform.signal(role, nth, 'SIGSTOP');
    return nth;
  } catch (error) {
    throw new Error(`cannot ${name}: no ${role} was caught waiting for ${request}`, { cause: error });
  } finally {
    clearTimeout(tooLate);
    for (const one of held) one.release();
  }
}

function generations(platform: Platform, role: Moment['role'], nth: number): number {
  return platform.logged(role, nth).split('joined the group').length - 1;
}
