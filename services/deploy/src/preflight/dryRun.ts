/**
 * The API server's own word: every object, and a pod of each workload, as if they were applied. That shows what no schema of
 * ours knows: Pod Security, quotas, limit ranges, admission webhooks, fields that cannot change, managers that differ.
 */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { CommandFailed } from '../command.ts';
import { documents, type Kubectl } from '../kubectl.ts';
import { ourNamespace } from '../live.ts';
import { type Candidate, workloadsOf } from './check.ts';

/** Where objects are shown while their own namespace is not there: it is in every cluster, and next to nothing is in it. */
const ELSEWHERE = 'kube-public';

export async function dryRun({ wanted, live, kubectl, say }: Candidate): Promise<string[]> {
  const missing = live.namespace === 'missing';
  const namespace = missing ? ELSEWHERE : kubectl.namespace;
  const moved = [...wanted.objects, ...podsOf(wanted.objects, namespace)].map((object) => ({
    ...object,
    metadata: { ...object.metadata, namespace },
  }));
  const problems: string[] = [];
  if (missing) problems.push(...(await refusals(kubectl, [ourNamespace(wanted.values)], 'the new namespace')));
  if (wanted.cluster.length > 0) problems.push(...(await refusals(kubectl, wanted.cluster, 'an object')));
  const found = await refusals(kubectl, moved, 'an object', namespace);
  if (missing && found.some((line) => line.includes('is forbidden: User'))) {
    say(`not checked: what the API server says of the objects, since the namespace ${kubectl.namespace} is not there yet`);
    return problems;
  }
  return [...problems, ...found];
}

/** One pod of each workload, by itself: admission looks at pods, not at what will make them. Pure. */
export function podsOf(objects: readonly Manifest[], namespace: string): Manifest[] {
  return workloadsOf(objects).map(({ name, labels, pod }) => {
    // An account that is not there yet is refused, and comes with the same deploy.
    const { serviceAccountName: _, automountServiceAccountToken: __, ...spec } = pod;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-dry-run`.slice(-60).replace(/^[^a-z0-9]+/, ''), namespace, labels },
      spec: { restartPolicy: 'OnFailure', ...spec, automountServiceAccountToken: false, volumes: volumesOf(pod) },
    };
  });
}

/** A claim of a StatefulSet is a volume only of the pods that it makes. */
function volumesOf(pod: Record<string, unknown> & { containers: object[] }): object[] {
  const volumes = (pod.volumes ?? []) as { name: string }[];
  const mounts = pod.containers.flatMap((container) => (container as { volumeMounts?: { name: string }[] }).volumeMounts ?? []);
  const claimed = new Set(mounts.map(({ name }) => name).filter((name) => !volumes.some((volume) => volume.name === name)));
  return [...volumes, ...[...claimed].map((name) => ({ name, emptyDir: {} }))];
}

async function refusals(kubectl: Kubectl, objects: readonly Manifest[], what: string, namespace?: string): Promise<string[]> {
  try {
    const words = ['apply', '--server-side', '--field-manager=millrace', '--dry-run=server', '--filename=-'];
    await kubectl.feed(documents(objects), ...(namespace === undefined ? [] : ['--namespace', namespace]), ...words);
    return [];
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return told(error.stderr, what);
  }
}

/** What kubectl says of each refused object; a pod that is refused for what its workload is refused for is told once. Pure. */
export function told(stderr: string, what: string): string[] {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('Warning:'));
  const parts = lines.join(' ').split(/(?=Error from server|error: )/);
  const texts = parts.map((part) => part.replace(/^(Error from server \([A-Za-z]+\)|Error from server|error): /, '').trim());
  const reasons = new Map<string, string>();
  for (const text of texts.filter((part) => part !== '')) {
    const reason = /Invalid value: .*$/.exec(text)?.[0] ?? text;
    if (!reasons.has(reason)) reasons.set(reason, text);
  }
  return [...reasons.values()].map((text) => `the API server refuses ${what}: ${text}`);
}
