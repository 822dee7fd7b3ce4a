/** What kube-score finds critical in manifests, and which of that is meant so. */
import { spawnSync } from 'node:child_process';
import type { Manifest } from './constructs/manifest.ts';

/** Of kube-score: 1 critical, 5 warning, 7 almost, 10 good. */
const CRITICAL = 1;
const KUBERNETES = 'v1.34';

interface Scored {
  object_name: string;
  checks: {
    check: { id: string };
    grade: number;
    skipped: boolean;
    comments: { path: string; summary: string; description: string }[] | null;
  }[];
}

interface Critical {
  check: string;
  /** `Deployment/apps/v1/feeds/traffic-sink`, as kube-score has it. */
  object: string;
  /** Its reasons. */
  says: string;
}

/** Findings that are as they should be. Each is a check, the objects, and why. */
export const MEANT: readonly { check: string; object: RegExp; why: string }[] = [
  {
    check: 'container-image-pull-policy',
    object: /./,
    why: 'IfNotPresent: tags are pinned and stay what they are, and a node without the registry still starts its pods',
  },
  {
    check: 'container-security-context-user-group-id',
    object: /^(StatefulSet|Deployment)\/apps\/v1\/[^/]+\/(kafka|database|grafana|mqtt)$/,
    why: 'the users of upstream images (1000, 70, 472, 1883), which own the files in them',
  },
  {
    check: 'networkpolicy-targets-pod',
    object: /^NetworkPolicy\/networking.k8s.io\/v1\/[^/]+\/millrace-database$/,
    why: 'it is for the pods that CloudNativePG makes of a Cluster, which no manifest here has',
  },
];

/** @param tool kube-score's file @throws Error where it does not understand what it was given */
export function criticals(tool: string, manifests: readonly Manifest[]): Critical[] {
  const input = manifests.map((manifest) => `---\n${JSON.stringify(manifest)}\n`).join('');
  const words = ['score', '--output-format', 'json', '--kubernetes-version', KUBERNETES, '-'];
  const { stdout, stderr, error } = spawnSync(tool, words, { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (error || stderr !== '') throw new Error(`kube-score: ${error?.message ?? stderr}`);
  // null where it has no opinion on any of these kinds.
  return ((JSON.parse(stdout) as Scored[] | null) ?? []).flatMap(({ object_name: object, checks }) =>
    checks
      .filter(({ grade, skipped }) => grade === CRITICAL && !skipped)
      .map(({ check, comments }) => ({
        check: check.id,
        object,
        says: (comments ?? []).map(({ path, summary }) => `${path} ${summary}`.trim()).join('; '),
      })),
  );
}

export const isMeant = ({ check, object }: Critical): boolean =>
  MEANT.some((one) => one.check === check && one.object.test(object));
