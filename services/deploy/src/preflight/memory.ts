/** A limit under what a program needs: it would start, and be killed with its first load. */
import { amountOf, mebibytes } from '../amounts.ts';
import { type Candidate, type Workload, workloadsOf } from './check.ts';

const MIB = 2 ** 20;

/** Measured with full load (docs/performance.md), or what the program takes at its start; by component. */
const LEAST_MIB: Readonly<Record<string, number>> = {
  broker: 512,
  database: 256,
  prometheus: 128,
  alertmanager: 48,
  grafana: 192,
  // V8 may take 192 MiB for what lives long, and some beside it.
  producer: 224,
  processor: 224,
  sink: 224,
  setup: 128,
  bootstrap: 128,
  'mqtt-broker': 32,
  devices: 160,
};

export const memory = ({ wanted }: Candidate): string[] => memoryProblems(workloadsOf(wanted.objects));

/** Pure. */
export function memoryProblems(workloads: readonly Workload[]): string[] {
  return workloads.flatMap(({ name, component, pod }) => {
    const least = LEAST_MIB[component];
    return pod.containers.flatMap(({ name: container, resources }) => {
      const limit = resources?.limits?.memory;
      // What stands beside the program has a name of its own.
      if (container !== component) return [];
      if (least === undefined || limit === undefined || amountOf(limit) >= least * MIB) return [];
      return [`${name} has a memory limit of ${limit} (${mebibytes(amountOf(limit))}); it needs ${least}Mi at least`];
    });
  });
}
