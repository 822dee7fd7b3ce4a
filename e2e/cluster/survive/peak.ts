/** The most that pods took at any look: what they took between looks is not known. */
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { type PodUsage, usageOf } from '@millrace/deploy/usage.ts';

export interface Peak {
  look(kubectl: Kubectl): Promise<void>;
  /** All pods together at the look when they took most, MiB. */
  togetherMib(): number;
  looks(): number;
}

export function newPeak(): Peak {
  let together = 0;
  let looks = 0;
  return {
    async look(kubectl) {
      together = Math.max(together, sumMib(await usageOf(kubectl)));
      looks += 1;
    },
    togetherMib: () => together,
    looks: () => looks,
  };
}

const sumMib = (usages: readonly PodUsage[]): number => usages.reduce((sum, { memoryMib }) => sum + memoryMib, 0);
