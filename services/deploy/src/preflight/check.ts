/** A question that is asked before anything is applied. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import type { PodSpec } from '../amounts.ts';
import type { Kubectl } from '../kubectl.ts';
import type { Live } from '../live.ts';
import type { Wanted } from '../wanted.ts';

export interface Candidate {
  wanted: Wanted;
  live: Live;
  kubectl: Kubectl;
  say(line: string): void;
}

/** @returns what is wrong, a sentence each; nothing where all is well */
export type Check = (candidate: Candidate) => Promise<string[]> | string[];

export interface Workload {
  kind: string;
  name: string;
  component: string;
  replicas: number;
  labels: Record<string, string>;
  pod: PodSpec & Record<string, unknown>;
}

/** What makes pods among these objects. */
export function workloadsOf(objects: readonly Manifest[]): Workload[] {
  return objects.flatMap(({ kind, metadata: { name, labels = {} }, spec }) => {
    const { template, replicas = 1 } = (spec ?? {}) as {
      replicas?: number;
      template?: { metadata?: { labels?: Record<string, string> }; spec: Workload['pod'] };
    };
    if (!template) return [];
    const component = labels['app.kubernetes.io/component'] ?? '';
    return [{ kind, name, component, replicas, labels: template.metadata?.labels ?? {}, pod: template.spec }];
  });
}
