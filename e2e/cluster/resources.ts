/** What the platform takes: told by pod, and held to what a small cluster has. */
import { type Amounts, askedBy, cores, mebibytes, plus } from '@millrace/deploy/amounts.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { usageOf } from '@millrace/deploy/usage.ts';
import { PROOF_NAME } from '../proofFeed.ts';
import type { Peak } from './survive/peak.ts';
import { type LivePod, services } from './survive/pods.ts';

const MOST_ASKED: Amounts = { cpu: 1.5, memory: 3 * 2 ** 30 };
const MOST_USED_MIB = 4 * 1_024;

export async function tellUsage(kubectl: Kubectl, say: (line: string) => void): Promise<void> {
  const usages = await usageOf(kubectl);
  for (const { pod, memoryMib, cpuSeconds } of usages)
    say(`${pod.padEnd(44)} ${memoryMib.toFixed(0).padStart(5)} MiB ${cpuSeconds.toFixed(1).padStart(7)} CPU s`);
  say(`together ${usages.reduce((sum, { memoryMib }) => sum + memoryMib, 0).toFixed(0)} MiB`);
}

/** @throws Error where more is asked for or taken than a small cluster has */
export async function checkResources(kubectl: Kubectl, peak: Peak, say: (line: string) => void): Promise<void> {
  await peak.look(kubectl);
  await tellUsage(kubectl, say);
  const most = peak.togetherMib().toFixed(0);
  say(`together ${most} MiB at most, of ${peak.looks()} looks during the faults`);
  if (peak.togetherMib() > MOST_USED_MIB) throw new Error(`the pods took ${most} MiB, allowed are ${MOST_USED_MIB}`);

  // The load of the faults is not what a user has beside the examples.
  const pods = services(await kubectl.list<LivePod>('pods')).filter(
    ({ metadata }) => metadata.labels['app.kubernetes.io/instance'] !== PROOF_NAME,
  );
  const asked = pods.map(({ spec }) => askedBy(spec)).reduce((sum, one) => plus(sum, one), { cpu: 0, memory: 0 });
  say(`platform and examples ask for ${told(asked)}`);
  const brokers = pods.filter(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === 'broker').length;
  // Three brokers are for those who have the room.
  if (brokers <= 1 && (asked.cpu > MOST_ASKED.cpu || asked.memory > MOST_ASKED.memory))
    throw new Error(`platform and examples ask for ${told(asked)}; allowed are ${told(MOST_ASKED)}`);
}

const told = ({ cpu, memory }: Amounts): string => `${cores(cpu)} and ${mebibytes(memory)}`;
