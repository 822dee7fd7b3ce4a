/**
 * Beside Prometheus and Grafana: takes up files of labelled ConfigMaps that come and go while they run (rules and dashboards
 * of Pipelines). Why it is there, and what it may do: docs/decisions/0031.
 */
import { scratchMount } from '../constructs/mounts.ts';
import type { Mount, Sidecar } from '../constructs/pod.ts';
import type { Rule } from './serviceAccount.ts';
import type { Values } from './values.ts';

/** Kubernetes cannot let somebody read those with a label only; no ConfigMap holds a secret. */
export const readsConfigMaps: Rule = { apiGroup: '', resources: ['configmaps'], verbs: ['get', 'list'] };

export interface Taken {
  label: Readonly<Record<string, string>>;
  /** Where the files are put; shared with the program beside. */
  folder: { volume: string; path: string };
  /** Base address of a Prometheus that is to read them again. */
  reload?: string;
}

/** The container, and what the program beside it mounts to see the files. */
export function sidecar(
  { image, namespace, roles }: Values,
  { label, folder, reload }: Taken,
): { container: Sidecar; mount: Mount } {
  const mount = scratchMount(folder.volume, folder.path, '64Mi');
  const [selector] = Object.entries(label).map(([key, value]) => `${key}=${value}`);
  if (selector === undefined) throw new Error('a sidecar without a label would take up every ConfigMap');
  return {
    mount: { ...mount, readOnly: true },
    container: {
      name: 'sidecar',
      image,
      args: [
        'sidecar',
        '--namespace',
        namespace,
        '--label',
        selector,
        '--folder',
        folder.path,
        ...(reload === undefined ? [] : ['--reload', reload]),
      ],
      mounts: [mount],
      resources: roles.sidecar,
    },
  };
}
