/**
 * NetworkPolicies by traffic: a pod that nobody knows, and one that is a client of Kafka, try what they may not. Where the
 * cluster does not enforce policies everything is open, and this is not covered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KAFKA_CLIENT } from '@millrace/cdk8s/platform/kafka.ts';
import { MQTT_ROLES_PORT } from '@millrace/cdk8s/platform/names.ts';
import type { Context } from './checks.ts';
import { NotCovered } from './notCovered.ts';

const WITHIN_MS = 180_000;
const LABEL = { 'millrace.dev/e2e-probe': 'true' };

interface Attempt {
  to: string;
  host: string;
  port: number;
  /** It may: tried for longer, since a network learns of a new pod late. */
  allowed: boolean;
}

/** Run in a pod: opens each connection and says which opened. */
const TRY = `
  const net = require('node:net');
  const once = ({ host, port }) => new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 3000 });
    const end = (open) => { socket.destroy(); resolve(open); };
    socket.on('connect', () => end(true)).on('timeout', () => end(false)).on('error', () => end(false));
  });
  (async () => {
    const opened = [];
    for (const attempt of JSON.parse(process.env.ATTEMPTS)) {
      let open = await once(attempt);
      for (let again = 0; !open && attempt.allowed && again < 20; again++) { await new Promise((done) => setTimeout(done, 1500)); open = await once(attempt); }
      if (open) opened.push(attempt.to);
    }
    console.log(JSON.stringify(opened));
  })();
`;

export async function forbidden(context: Context): Promise<void> {
  const attempts = await attemptsOf(context);
  const opened = await tryFrom(context, 'stranger', {}, attempts);
  if (opened.length === attempts.length)
    throw new NotCovered('enforced NetworkPolicies (this cluster’s network lets everything through)');
  if (opened.length > 0) throw new Error(`a pod that nobody knows reaches ${opened.join(', ')}; expected nothing`);
  const asClient = attempts.map((attempt) => ({ ...attempt, allowed: attempt.to === 'kafka' }));
  const found = (await tryFrom(context, 'kafka-client', KAFKA_CLIENT, asClient)).join(', ');
  if (found !== 'kafka') throw new Error(`a client of Kafka reaches ${found || 'nothing'}; expected kafka and nothing else`);
}

async function attemptsOf({ kubectl, values, pipelines }: Context): Promise<Attempt[]> {
  const services = [
    { to: 'kafka', host: 'kafka', port: 9092 },
    { to: 'database', host: 'database', port: 5432 },
    ...(values.prometheus.enabled ? [{ to: 'prometheus', host: 'prometheus', port: 9090 }] : []),
    ...(values.alertmanager.enabled ? [{ to: 'alertmanager', host: 'alertmanager', port: 9093 }] : []),
    ...(values.mqtt.enabled && !values.mqtt.external ? [{ to: 'mqtt, for roles', host: 'mqtt', port: MQTT_ROLES_PORT }] : []),
    ...(values.grafana.enabled ? [{ to: 'grafana', host: 'grafana', port: 3000 }] : []),
  ];
  const name = pipelines[0]?.metadata.name ?? '';
  const sinks = await kubectl.list<{ status: { podIP?: string } }>(
    'pods',
    `--selector=app.kubernetes.io/instance=${name},app.kubernetes.io/component=sink`,
  );
  const roles = sinks.flatMap(({ status: { podIP } }) => (podIP ? [{ to: `${name} sink`, host: podIP, port: 8080 }] : []));
  return [...services, ...roles].map((attempt) => ({ ...attempt, allowed: false }));
}

async function tryFrom(
  { kubectl, values }: Context,
  name: string,
  labels: Record<string, string>,
  attempts: readonly Attempt[],
): Promise<string[]> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `probe-${name}`, labels: { ...labels, ...LABEL } },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 10_001, runAsGroup: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'probe',
          image: values.image,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '-e', TRY],
          env: [{ name: 'ATTEMPTS', value: JSON.stringify(attempts) }],
          resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
  await kubectl.run('delete', 'pod', pod.metadata.name, '--ignore-not-found');
  await kubectl.feed(JSON.stringify(pod), 'create', '--filename=-');
  try {
    for (const deadline = performance.now() + WITHIN_MS; ; await sleep(1_000)) {
      const phase = await kubectl.run('get', 'pod', pod.metadata.name, '--output=jsonpath={.status.phase}');
      if (phase === 'Succeeded') return JSON.parse(await kubectl.run('logs', pod.metadata.name)) as string[];
      if (phase === 'Failed' || performance.now() > deadline)
        throw new Error(`the pod ${pod.metadata.name} is ${phase}: ${await kubectl.run('logs', pod.metadata.name)}`);
    }
  } finally {
    await kubectl.run('delete', 'pod', pod.metadata.name, '--ignore-not-found', '--wait=false');
  }
}
