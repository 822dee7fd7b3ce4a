/**
 * The pod of every workload: what cdk8s-plus-27 gives, with its defaults put right (DESIGN section 3).
 *
 * Invariants: every pod passes Pod Security `restricted`; every container has requests and limits of memory, CPU and
 * ephemeral storage; a Secret is only ever named; a folder that a program writes to is a volume with a size.
 */
import type { k8s } from 'cdk8s-plus-27';

/** Quantities of Kubernetes, passed on as they are: never computed with, so that a template may stand in their place. */
export interface Amounts {
  cpu: string;
  memory: string;
  ephemeralStorage: string;
}

export interface Resources {
  requests: Amounts;
  limits: Amounts;
}

/** What an environment variable holds. */
export type EnvSource =
  | string
  /** A field of the pod, such as `metadata.name`. */
  | { field: string }
  /** The container's memory limit in MiB: what is derived from it is derived in the pod, not in the template. */
  | { memoryLimitMib: true };

export interface Mount {
  /** Of the volume; several mounts may share one. */
  volume: string;
  path: string;
  subPath?: string;
  readOnly: boolean;
  /** As Kubernetes has it, such as `{ secret: { secretName } }`; null: the claim of the StatefulSet that has the volume's name. */
  source: Omit<k8s.Volume, 'name'> | Record<string, unknown> | null;
}

/** A second container of the same user, without ports or settings of its own. */
export interface Sidecar {
  name: string;
  image: string;
  args: string[];
  mounts: readonly Mount[];
  resources: Resources;
  /** It sends signals to the program beside. */
  signals?: true;
}

export interface PodSettings {
  /** Numeric user and group of the image. */
  uid: number;
  gid: number;
  env: Readonly<Record<string, EnvSource>>;
  mounts: readonly Mount[];
  sidecar?: Sidecar;
  resources: Resources;
  labels: Record<string, string>;
  selector: Record<string, string>;
  /** Pods go to different nodes and zones as far as possible. */
  spread: boolean;
  /** Of a ConfigMap's content: another one makes new pods. */
  checksum?: string;
  /** For a program that talks to the Kubernetes API; without it there is no token in the pod. */
  serviceAccount?: string;
  graceSeconds: number;
  /** How long a pod that is to end goes on as if nothing were, seconds: Services hear of it meanwhile. */
  preStopSeconds?: number;
}

type Plain = Record<string, unknown>;

/** The pod template, put right. @param template of an object that cdk8s-plus-27 made, with one container */
export function podOf(template: { spec: { containers: Plain[]; restartPolicy?: string } }, settings: PodSettings): Plain {
  const [container] = template.spec.containers;
  if (!container) throw new Error('a pod without a container');
  const { labels, checksum, serviceAccount, graceSeconds, sidecar } = settings;
  const mounts = [...settings.mounts, ...(sidecar?.mounts ?? [])];
  return {
    metadata: { labels, ...(checksum === undefined ? {} : { annotations: { 'millrace.dev/config-checksum': checksum } }) },
    spec: {
      automountServiceAccountToken: serviceAccount !== undefined,
      ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
      // A Service called kafka would put KAFKA_PORT into every pod, which Kafka reads as a setting.
      enableServiceLinks: false,
      ...(sidecar?.signals ? { shareProcessNamespace: true } : {}),
      ...(template.spec.restartPolicy === undefined ? {} : { restartPolicy: template.spec.restartPolicy }),
      terminationGracePeriodSeconds: graceSeconds,
      securityContext: podSecurity(settings),
      ...(settings.spread ? { topologySpreadConstraints: spreadOf(settings.selector) } : {}),
      containers: [containerOf(container, settings), ...(sidecar ? [sidecarOf(sidecar)] : [])],
      ...(mounts.length === 0 ? {} : { volumes: volumesOf(mounts) }),
    },
  };
}

function podSecurity({ uid, gid }: PodSettings): Plain {
  return {
    runAsNonRoot: true,
    runAsUser: uid,
    runAsGroup: gid,
    fsGroup: gid,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

function sidecarOf({ name, image, args, signals: _, ...settings }: Sidecar): Plain {
  return containerOf({ name, image, args }, { ...settings, env: {} });
}

function containerOf(
  container: Plain,
  { env, mounts, resources, preStopSeconds }: Pick<PodSettings, 'env' | 'mounts' | 'resources' | 'preStopSeconds'>,
): Plain {
  return {
    ...container,
    imagePullPolicy: 'IfNotPresent',
    // Not `sleep`, which Kubernetes knows since 1.30 only; our image has no other program than Node.
    ...(preStopSeconds === undefined
      ? {}
      : { lifecycle: { preStop: { exec: { command: ['node', '-e', `setTimeout(() => {}, ${preStopSeconds}_000)`] } } } }),
    env: Object.entries(env).map(([name, source]) => envOf(name, source)),
    resources: { requests: amountsOf(resources.requests), limits: amountsOf(resources.limits) },
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: mounts.map(({ volume, path, subPath, readOnly }) => ({
      name: volume,
      mountPath: path,
      ...(subPath === undefined ? {} : { subPath }),
      ...(readOnly ? { readOnly } : {}),
    })),
  };
}

function envOf(name: string, source: EnvSource): Plain {
  if (typeof source === 'string') return { name, value: source };
  if ('field' in source) return { name, valueFrom: { fieldRef: { fieldPath: source.field } } };
  return { name, valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } };
}

/** As a container and its like name them. */
export function amountsOf({ cpu, memory, ephemeralStorage }: Amounts): Plain {
  return { cpu, memory, 'ephemeral-storage': ephemeralStorage };
}

function volumesOf(mounts: readonly Mount[]): Plain[] {
  const volumes = new Map<string, Plain>();
  for (const { volume, source } of mounts) if (source !== null) volumes.set(volume, { name: volume, ...source });
  return [...volumes.values()];
}

function spreadOf(selector: Record<string, string>): Plain[] {
  return ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selector },
  }));
}
