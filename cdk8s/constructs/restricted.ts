/**
 * Pod Security Standards, profile `restricted` (kubernetes.io/docs/concepts/security/pod-security-standards), and what
 * DESIGN section 3 asks beyond it, as a check over any object that makes pods.
 */
import type { Manifest } from './manifest.ts';

interface Container {
  name: string;
  image?: string;
  imagePullPolicy?: string;
  securityContext?: Record<string, unknown> & { capabilities?: { drop?: string[]; add?: string[] } };
  resources?: Record<'requests' | 'limits', Record<string, string> | undefined>;
  ports?: { hostPort?: number }[];
  env?: { name: string; value?: string }[];
}

interface PodSpec {
  automountServiceAccountToken?: boolean;
  serviceAccountName?: string;
  enableServiceLinks?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext?: Record<string, unknown> & { seccompProfile?: { type: string } };
  containers: Container[];
  initContainers?: Container[];
  volumes?: Record<string, unknown>[];
}

interface Template {
  metadata: { labels: Record<string, string> };
  spec: PodSpec;
}

const VOLUMES = [
  'name',
  'configMap',
  'emptyDir',
  'persistentVolumeClaim',
  'projected',
  'secret',
  'downwardAPI',
  'csi',
  'ephemeral',
];
const AMOUNTS = ['cpu', 'memory', 'ephemeral-storage'];

/** The pod that an object makes; null where it makes none. */
export function podSpecOf(object: Manifest): PodSpec | null {
  return templateOf(object)?.spec ?? null;
}

/** The template of its pods; null where it makes none. */
export function templateOf({ kind, spec }: Manifest): Template | null {
  if (kind === 'CronJob') return (spec as { jobTemplate: { spec: { template: Template } } }).jobTemplate.spec.template;
  if (!['Deployment', 'StatefulSet', 'Job', 'DaemonSet'].includes(kind)) return null;
  return (spec as { template: Template }).template;
}

/** What keeps a pod from being as it has to be; nothing where it is. */
export function faultsOf(pod: PodSpec): string[] {
  const { securityContext = {} } = pod;
  const wrong = {
    'runs in a namespace of the host': pod.hostNetwork || pod.hostPID || pod.hostIPC,
    'may run as root': securityContext.runAsNonRoot !== true,
    'has no numeric user': !Number(securityContext.runAsUser) || !Number(securityContext.runAsGroup),
    'has no seccomp profile': securityContext.seccompProfile?.type !== 'RuntimeDefault',
    'has a token that it does not need': pod.automountServiceAccountToken !== (pod.serviceAccountName !== undefined),
    'gets the variables of all Services': pod.enableServiceLinks !== false,
    'has no time to end': !(Number(pod.terminationGracePeriodSeconds) > 0),
    'has a volume of a kind that is not allowed': (pod.volumes ?? []).some((volume) =>
      Object.keys(volume).some((key) => !VOLUMES.includes(key)),
    ),
  };
  const containers = [...pod.containers, ...(pod.initContainers ?? [])];
  return [...Object.keys(wrong).filter((name) => wrong[name as keyof typeof wrong]), ...containers.flatMap(containerFaults)];
}

function containerFaults(container: Container): string[] {
  const { name, image = '', securityContext = {}, resources, ports = [], env = [] } = container;
  const drop = securityContext.capabilities?.drop ?? [];
  const wrong = {
    'may gain privileges': securityContext.allowPrivilegeEscalation !== false || securityContext.privileged === true,
    'can write to its root file system': securityContext.readOnlyRootFilesystem !== true,
    'keeps capabilities': drop.length !== 1 || drop[0] !== 'ALL' || securityContext.capabilities?.add !== undefined,
    'uses ports of the host': ports.some(({ hostPort }) => hostPort !== undefined),
    'has no requests and limits of everything': AMOUNTS.some(
      (amount) => !resources?.requests?.[amount] || !resources.limits?.[amount],
    ),
    'has an image without a tag': !/:[^/]+$/.test(image) || image.endsWith(':latest'),
    'is pulled each time': container.imagePullPolicy !== 'IfNotPresent',
    'has a secret in a variable': env.some(({ name: variable, value }) => /PASSWORD$|TOKEN$|SECRET$/.test(variable) && value),
  };
  return Object.keys(wrong)
    .filter((fault) => wrong[fault as keyof typeof wrong])
    .map((fault) => `container ${name} ${fault}`);
}
