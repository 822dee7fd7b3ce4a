/** Memory and CPU of the pods, as the kubelets measure them: works without a metrics server. */
import type { Kubectl } from './kubectl.ts';

interface Summary {
  pods: {
    podRef: { name: string; namespace: string };
    memory?: { workingSetBytes?: number };
    cpu?: { usageCoreNanoSeconds?: number };
  }[];
}

export interface PodUsage {
  pod: string;
  /** What cannot be taken away from it without ending it. */
  memoryMib: number;
  cpuSeconds: number;
}

export async function usageOf(kubectl: Kubectl): Promise<PodUsage[]> {
  const nodes = await kubectl.list<{ metadata: { name: string } }>('nodes');
  const usages: PodUsage[] = [];
  for (const { metadata } of nodes) {
    const text = await kubectl.run('get', '--raw', `/api/v1/nodes/${metadata.name}/proxy/stats/summary`);
    for (const { podRef, memory, cpu } of (JSON.parse(text) as Summary).pods)
      if (podRef.namespace === kubectl.namespace)
        usages.push({
          pod: podRef.name,
          memoryMib: (memory?.workingSetBytes ?? 0) / 2 ** 20,
          cpuSeconds: (cpu?.usageCoreNanoSeconds ?? 0) / 1e9,
        });
  }
  return usages.toSorted((a, b) => (a.pod < b.pod ? -1 : 1));
}
