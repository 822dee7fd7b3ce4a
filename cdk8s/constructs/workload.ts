/**
 * A program that runs in the cluster: Deployment, StatefulSet or Job with all that DESIGN section 3 asks of each, and
 * beside it its NetworkPolicy and, where pods can stand in for each other, its PodDisruptionBudget.
 *
 * cdk8s-plus-27 makes the outer shape; its defaults are put right on the plain object (`pod.ts`), which then is handed to
 * an ApiObject: the typed ones drop what is newer than Kubernetes 1.27, select by a hash of the construct's path, always
 * pull, and know neither seccomp nor small ephemeral storage.
 */
import { ApiObject } from 'cdk8s';
import * as kplus from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { disruptionBudget } from './disruptionBudget.ts';
import { type Identity, labelsOf, selectorOf } from './labels.ts';
import { type Manifest, shapeOf } from './manifest.ts';
import { type Flow, networkPolicy } from './networkPolicy.ts';
import { type EnvSource, type Mount, podOf, type Resources, type Sidecar } from './pod.ts';

export interface WorkloadProps {
  /** Of the object; also of its NetworkPolicy and PodDisruptionBudget. */
  name: string;
  identity: Identity;
  image: string;
  /** Instead of the image's entry point; left out for ours. */
  command?: string[];
  args?: string[];
  uid: number;
  gid: number;
  env?: Readonly<Record<string, EnvSource>>;
  /** By name. */
  ports?: Readonly<Record<string, number>>;
  mounts?: readonly Mount[];
  sidecar?: Sidecar;
  resources: Resources;
  /** Of the ConfigMaps it reads. */
  checksum?: string;
  serviceAccount?: string;
  /** How long it may take to end by itself. */
  graceSeconds: number;
  preStopSeconds?: number;
  ingress: readonly Flow[];
  egress: readonly Flow[];
  /** Beside the recommended ones. */
  extraLabels?: Record<string, string>;
}

/** What its pod is made of. */
type PodProps = Omit<WorkloadProps, 'ingress' | 'egress'>;

/** Three questions that differ: is it up for the first time, can it take work, must it be started again? */
export interface Probes {
  startup: kplus.Probe;
  readiness: kplus.Probe;
  liveness: kplus.Probe;
}

export interface ServiceProps extends WorkloadProps {
  probes: Probes;
  /** null: somebody else sets it, and it is left out; there may be several then. */
  replicas: number | null;
}

export interface DeploymentProps extends ServiceProps {
  /** Recreate: never two at a time. */
  strategy: 'RollingUpdate' | 'Recreate';
}

export interface StatefulSetProps extends ServiceProps {
  /** Headless Service that gives each pod its name. */
  service: string;
  /** Volumes that outlive the pod; mounted by the mount whose volume has this name. Without storageClass the cluster's default. */
  claim?: { volume: string; size: string; storageClass?: string | undefined };
}

export interface JobProps extends WorkloadProps {
  backoffLimit: number;
  /** How long a finished one stays, seconds. */
  keptSeconds: number;
  /** For all tries together, seconds. */
  deadlineSeconds: number;
}

export interface CronJobProps extends Omit<JobProps, 'keptSeconds' | 'ingress' | 'egress'> {
  /** As cron has it, in the cluster's time zone. */
  schedule: string;
}

export class DeploymentWorkload extends Construct {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id);
    const shape = shapeOf(
      (chart) => new kplus.Deployment(chart, 'object', { select: false, containers: [containerProps(props, props.probes)] }),
    );
    const strategy =
      props.strategy === 'Recreate'
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    finish(this, shape, props, {
      ...replicas(props),
      strategy,
      minReadySeconds: 0,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 3,
    });
    surround(this, props, props.replicas);
  }
}

export class StatefulSetWorkload extends Construct {
  constructor(scope: Construct, id: string, props: StatefulSetProps) {
    super(scope, id);
    const { claim } = props;
    const shape = shapeOf((chart) => {
      const service = new kplus.Service(chart, 'service', { metadata: { name: props.service }, ports: [{ port: 1 }] });
      return new kplus.StatefulSet(chart, 'object', {
        service,
        select: false,
        podManagementPolicy: kplus.PodManagementPolicy.PARALLEL,
        containers: [containerProps(props, props.probes)],
      });
    });
    finish(this, shape, props, {
      ...replicas(props),
      serviceName: props.service,
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      revisionHistoryLimit: 3,
      ...(claim ? claimed(claim, props.identity) : {}),
    });
    surround(this, props, props.replicas);
  }
}

function claimed({ volume, size, storageClass }: NonNullable<StatefulSetProps['claim']>, identity: Identity): object {
  return {
    // Data outlives the workload: whoever wants to be rid of it deletes the claim.
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    volumeClaimTemplates: [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: volume, labels: selectorOf(identity) },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: size } },
          ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
        },
      },
    ],
  };
}

/** Runs to its end once; a Job cannot be changed, so its name says what it does (`hashOf` of its content). */
export class JobWorkload extends Construct {
  constructor(scope: Construct, id: string, props: JobProps) {
    super(scope, id);
    finish(this, jobShape(props), props, { ...jobSpec(props), ttlSecondsAfterFinished: props.keptSeconds });
    surround(this, props, 1);
  }
}

/** A Job that is there already, again and again, never two at a time; under that Job's NetworkPolicy, since it has its identity. */
export class CronJobWorkload extends Construct {
  constructor(scope: Construct, id: string, props: CronJobProps) {
    super(scope, id);
    const { labels, template } = podTemplate(jobShape(props), props);
    new ApiObject(this, 'workload', {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: props.name, labels },
      spec: {
        schedule: props.schedule,
        concurrencyPolicy: 'Forbid',
        startingDeadlineSeconds: 3_600,
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 3,
        jobTemplate: { metadata: { labels }, spec: { ...jobSpec(props), template } },
      },
    } as Manifest);
  }
}

function jobShape(props: PodProps): Record<string, unknown> {
  return shapeOf(
    (chart) =>
      new kplus.Job(chart, 'object', {
        restartPolicy: kplus.RestartPolicy.ON_FAILURE,
        select: false,
        containers: [containerProps(props)],
      }),
  );
}

function jobSpec({ backoffLimit, deadlineSeconds }: Pick<JobProps, 'backoffLimit' | 'deadlineSeconds'>): object {
  return { backoffLimit, activeDeadlineSeconds: deadlineSeconds };
}

function replicas({ replicas: count }: ServiceProps): object {
  return count === null ? {} : { replicas: count };
}

function containerProps(props: PodProps, probes?: Probes): kplus.ContainerProps {
  return {
    name: props.identity.component,
    image: props.image,
    ...(props.command ? { command: props.command } : {}),
    ...(props.args ? { args: props.args } : {}),
    ports: Object.entries(props.ports ?? {}).map(([name, number]) => ({ name, number })),
    ...probes,
  };
}

/** The object as cdk8s-plus-27 shaped it, with this spec and a pod that is put right. */
function finish(
  scope: Construct,
  shape: Record<string, unknown>,
  props: WorkloadProps & Partial<ServiceProps>,
  spec: object,
): void {
  const { labels, template } = podTemplate(shape, props);
  const isJob = shape.kind === 'Job';
  const manifest = {
    apiVersion: shape.apiVersion,
    kind: shape.kind,
    metadata: { name: props.name, labels },
    spec: { ...(isJob ? {} : { selector: { matchLabels: selectorOf(props.identity) } }), ...spec, template },
  };
  new ApiObject(scope, 'workload', manifest as Manifest);
}

function podTemplate(shape: Record<string, unknown>, props: PodProps & Partial<Pick<ServiceProps, 'replicas'>>) {
  const { template } = shape.spec as { template: Parameters<typeof podOf>[0] };
  const labels = { ...labelsOf(props.identity), ...props.extraLabels };
  const pod = podOf(template, {
    ...props,
    env: props.env ?? {},
    mounts: props.mounts ?? [],
    labels,
    selector: selectorOf(props.identity),
    spread: shape.kind !== 'Job' && props.replicas !== 1,
  });
  return { labels, template: pod };
}

function surround(scope: Construct, props: WorkloadProps, count: number | null): void {
  networkPolicy(scope, 'network', props.name, props);
  if (count !== 1) disruptionBudget(scope, 'disruption', props.name, props.identity);
}
