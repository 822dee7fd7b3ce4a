/**
 * What a Pipeline with a source of HTTP needs beside the others (docs/decisions/0032): a port that is let in, its tokens as
 * files, a Service, and an Ingress where the values name a host.
 */
import { DEFAULT_HTTP_PORT as HTTP_PORT } from '@millrace/core/spec/defaults.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { labelsOf } from '../constructs/labels.ts';
import { secretFileMount } from '../constructs/mounts.ts';
import type { Flow } from '../constructs/networkPolicy.ts';
import { service } from '../constructs/service.ts';
import type { DeploymentProps } from '../constructs/workload.ts';
import type { Input } from './input.ts';
import { identityOf, type PipelineContext } from './workloads.ts';

const SECRETS = '/etc/millrace/secrets';
/** In which Services stop sending new requests to a pod that ends. */
const LEAVE_SECONDS = 5;

export interface Listening extends Input {
  ports: Record<string, number>;
  ingress: Flow[];
  deployment: Pick<DeploymentProps, 'preStopSeconds'>;
}

/** Of the producer; null where its source is another. */
export function listeningOf({ spec }: Pipeline): Listening | null {
  const { http } = spec.source;
  if (!http) return null;
  const ref = http.auth?.secretRef;
  return {
    args: ['--http-host', '0.0.0.0', '--http-port', String(HTTP_PORT), ...(ref ? ['--secrets', SECRETS] : [])],
    mounts: ref ? [secretFileMount('http-tokens', `${SECRETS}/${ref.name}`, ref.name, ref.key)] : [],
    egress: [],
    ports: { http: HTTP_PORT },
    // Devices, and whatever stands between them and the cluster.
    ingress: [{ peers: ['anywhere'], ports: [HTTP_PORT] }],
    deployment: { preStopSeconds: LEAVE_SECONDS },
  };
}

/** Of the Service of a Pipeline. */
export function httpServiceName(pipeline: string): string {
  return `${pipeline}-http`;
}

/** By which the producer is found; the Ingress lets in what is this Pipeline's alone: its own path, and the one it names. */
export function httpService(scope: Construct, { pipeline, values }: PipelineContext): void {
  const { http } = pipeline.spec.source;
  if (!http) return;
  const name = httpServiceName(pipeline.metadata.name);
  const identity = identityOf(pipeline, 'producer');
  service(scope, 'http-service', { name, identity, ports: { http: HTTP_PORT } });
  const { ingress } = values;
  if (!ingress) return;
  const backend = { service: { name, port: { name: 'http' } } };
  const paths = [`/pipelines/${pipeline.metadata.name}`, ...(http.path === undefined ? [] : [http.path])];
  new ApiObject(scope, 'http-ingress', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, labels: labelsOf(identity) },
    spec: {
      ...(ingress.class === undefined ? {} : { ingressClassName: ingress.class }),
      ...(ingress.tls === undefined ? {} : { tls: [{ hosts: [ingress.host], secretName: ingress.tls }] }),
      rules: [{ host: ingress.host, http: { paths: paths.map((path) => ({ path, pathType: 'Exact', backend })) } }],
    },
  });
}
