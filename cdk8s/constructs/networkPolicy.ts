/**
 * Who may talk with a workload, and with whom it may: nothing but the flows that are named. Names are resolved by the
 * cluster's DNS, so every workload that may talk to anybody may talk to that.
 */
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { type Identity, labelsOf, selectorOf } from './labels.ts';

/** The other side of a flow. */
export type Peer =
  /** Pods with these labels, of the same namespace or of the named one. */
  | { pods: Record<string, string>; namespace?: string }
  /** What is not a pod of ours: an existing Kafka, the API server, a web server. */
  | 'anywhere';

export interface Flow {
  peers: readonly Peer[];
  /** Empty: any; only where the port of what is not ours is not known here. */
  ports: readonly number[];
}

export interface NetworkProps {
  identity: Identity;
  /** Labels of its pods, where somebody else makes them. */
  pods?: Record<string, string>;
  /** Who may open connections to the workload, and on which of its ports. */
  ingress: readonly Flow[];
  /** To whom the workload may open connections, and to which of their ports. */
  egress: readonly Flow[];
}

/** The cluster's DNS: pods of kube-system, or the cache that some clusters have on every node. */
const DNS = {
  to: [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
    { ipBlock: { cidr: '169.254.20.10/32' } },
  ],
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

export function networkPolicy(
  scope: Construct,
  id: string,
  name: string,
  { identity, pods = selectorOf(identity), ingress, egress }: NetworkProps,
): ApiObject {
  return new ApiObject(scope, id, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, labels: labelsOf(identity) },
    spec: {
      podSelector: { matchLabels: pods },
      policyTypes: ['Ingress', 'Egress'],
      // Empty ones are left out, as the API server does: otherwise each apply would be a change.
      ...(ingress.length === 0 ? {} : { ingress: ingress.map(({ peers, ports }) => rule('from', peers, ports)) }),
      ...(egress.length === 0 ? {} : { egress: [DNS, ...egress.map(({ peers, ports }) => rule('to', peers, ports))] }),
    },
  });
}

/** Without peers Kubernetes takes anybody, so a flow to or from nobody is a mistake of its author. */
function rule(side: 'from' | 'to', peers: readonly Peer[], ports: readonly number[]): object {
  const anywhere = peers.includes('anywhere');
  if (peers.length === 0 || (ports.length === 0 && !anywhere)) throw new Error('a flow names at least one peer and one port');
  return {
    ...(anywhere ? {} : { [side]: peers.flatMap((peer) => (peer === 'anywhere' ? [] : [selectors(peer)])) }),
    ...(ports.length === 0 ? {} : { ports: ports.map((port) => ({ port, protocol: 'TCP' })) }),
  };
}

function selectors({ pods, namespace }: Exclude<Peer, string>): object {
  return {
    ...(namespace === undefined ? {} : { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }),
    // All of another namespace where no label is named.
    ...(Object.keys(pods).length === 0 ? {} : { podSelector: { matchLabels: pods } }),
  };
}
