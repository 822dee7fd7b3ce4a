/** What must hold once all rows are stored: one line in the table each. */
import { setTimeout as sleep } from 'node:timers/promises';
import { secretNames } from '@millrace/bootstrap/plan.ts';
import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import { bootstrapPlan } from '@millrace/cdk8s/platform/bootstrap.ts';
import { platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import { isOwn } from '@millrace/cdk8s/platform/prometheusPeer.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import type { Options } from '@millrace/deploy/options.ts';
import type { Target } from '@millrace/deploy/target.ts';
import type { Wanted } from '@millrace/deploy/wanted.ts';
import { checkAlerts } from './alerts.ts';
import { checkChart } from './chart.ts';
import { dataKept, nothingLeft } from './comeAndGo.ts';
import { checkConform } from './conform.ts';
import { checkDefinition } from './crd.ts';
import { checkCommand, checkForged, checkRevoked } from './devices/checks.ts';
import { checkReadings } from './devices/controllers.ts';
import { expect } from './expect.ts';
import { forbidden } from './forbidden.ts';
import { checkImage } from './image.ts';
import { checkTokens } from './phones.ts';
import { refusals } from './refusals.ts';
import { query } from './rows.ts';
import { checkSurvival } from './survive/check.ts';
import { discovery, grafana, timescale } from './upstream.ts';

export interface Context {
  kubectl: Kubectl;
  values: Values;
  pipelines: readonly Pipeline[];
  /** What was deployed, and how: for checks that deploy again. */
  target: Target;
  wanted: Wanted;
  options: Options;
  /** Of the checkout. */
  root: string;
}

interface Check {
  name: string;
  /** @throws Error in a sentence where it does not hold; NotCovered where this cluster cannot show it */
  check(context: Context): Promise<void>;
}

interface Live {
  kind: string;
  metadata: { name: string; generation?: number };
}

const ROLES = ['producer', 'processor', 'sink'] as const;
const WINDOWS_WITHIN_MS = 60_000;

export const CHECKS: readonly Check[] = [
  { name: 'traffic has 3,222 detectors that work and 2,014 that do not', check: operational },
  { name: 'windows of 10 s hold every reading of the phones', check: windows },
  { name: 'pushes without the right token are refused, with a sentence', check: ({ kubectl }) => checkTokens(kubectl) },
  { name: 'every datapoint of 32 streams of frames is what its controller meant', check: checkReadings },
  { name: 'a controller cannot publish under another’s name', check: checkForged },
  { name: 'a revoked controller is not let in, by the broker’s next pod neither', check: checkRevoked },
  { name: 'a command over HTTP is answered by the controller, and recorded', check: checkCommand },
  { name: 'each row is accounted for: millrace audit in the sink’s pod', check: audited },
  { name: 'logs are JSON with level, role and Pipeline, and hold no secret', check: logs },
  { name: 'accounts may do what they need and nothing else', check: accounts },
  { name: 'applied again, nothing changes', check: idempotent },
  { name: 'the image runs as nobody, writes nothing, and drains at a SIGTERM', check: image },
  { name: 'Prometheus reads every role and understands every rule', check: watched },
  {
    name: 'each alert fires when it should, and not when it should not',
    check: ({ kubectl, pipelines }) => checkAlerts(kubectl, pipelines),
  },
  {
    name: 'the API server takes every Pipeline, and says what is wrong with a wrong one',
    check: ({ kubectl, pipelines }) => checkDefinition(kubectl, pipelines),
  },
  {
    name: 'the chart is installed, upgraded, rolled back, uninstalled and installed again',
    check: ({ target, values }) => checkChart(target, values),
  },
  { name: 'every manifest is as this cluster’s API has it: kubeconform, strict', check: checkConform },
  { name: 'Prometheus finds pods by the Kubernetes API', check: discovery },
  { name: 'Grafana reaches both of its data sources', check: grafana },
  { name: 'tables are hypertables of TimescaleDB', check: timescale },
  { name: 'connections that no flow needs are not opened', check: forbidden },
  { name: 'wrong values are refused by a sentence, and nothing is applied', check: refusals },
  { name: 'each row is stored once, whatever is deleted, evicted, killed and upgraded under load', check: checkSurvival },
];

/** Each takes the platform away: after all others, in this order. */
export const LAST_CHECKS: readonly Check[] = [
  { name: 'after undeploy and deploy there are the same rows', check: dataKept },
  { name: 'after undeploy PURGE=1 there is nothing', check: nothingLeft },
];

async function operational({ kubectl, values }: Context): Promise<void> {
  const sql = `SELECT count(*) FILTER (WHERE is_operational) || ' ' || count(*) FILTER (WHERE NOT is_operational) FROM "${values.namespace}".traffic_events`;
  expect('is_operational', await query(kubectl, values, sql), '3222 2014');
}

/** The sink refreshes them once a second, or TimescaleDB what it has not come to as they are read. */
async function windows({ kubectl, values }: Context): Promise<void> {
  const sums = (table: string, of: string) => `SELECT ${of} FROM "${values.namespace}".${table}`;
  const rows = await query(kubectl, values, sums('phone_readings', "count(x) || ' ' || count(qw) || ' ' || min(yaw)"));
  const rolledUp = () =>
    query(kubectl, values, sums('phone_readings_10s', "sum(x_count) || ' ' || sum(qw_count) || ' ' || min(yaw_min)"));
  for (const deadline = performance.now() + WINDOWS_WITHIN_MS; (await rolledUp()) !== rows; await sleep(1_000))
    if (performance.now() > deadline) expect('readings in windows', await rolledUp(), rows);
}

async function audited({ kubectl, pipelines }: Context): Promise<void> {
  for (const { metadata } of pipelines)
    await kubectl.run(
      'exec',
      `deploy/${metadata.name}-sink`,
      '--',
      'node',
      '/app/millrace.js',
      'audit',
      '/etc/millrace/pipeline/pipeline.yaml',
    );
}

async function logs({ kubectl, values, pipelines }: Context): Promise<void> {
  for (const { metadata } of pipelines)
    for (const role of ROLES) {
      const lines = (await kubectl.run('logs', `deploy/${metadata.name}-${role}`)).trim().split('\n');
      for (const line of lines) {
        const { level, role: said, pipeline } = JSON.parse(line) as Record<string, unknown>;
        expect(
          `level, role and pipeline of ${line}`,
          `${typeof level} ${said} ${pipeline}`,
          `string ${role} ${values.namespace}/${metadata.name}`,
        );
      }
    }
  const secrets = await kubectl.list<{ metadata: { name: string }; data?: Record<string, string> }>('secrets');
  const passwords = secrets.flatMap(({ data }) =>
    [data?.password, data?.token, data?.admin].flatMap((text) => (text ? [Buffer.from(text, 'base64').toString('utf8')] : [])),
  );
  if (passwords.length === 0) throw new Error('there is no password in any Secret');
  for (const { metadata } of await kubectl.list<{ metadata: { name: string } }>('pods')) {
    const text = await kubectl.run('logs', metadata.name, '--all-containers');
    if (passwords.some((password) => text.includes(password))) throw new Error(`the log of ${metadata.name} holds a password`);
  }
}

async function image({ kubectl, pipelines }: Context): Promise<void> {
  for (const { metadata } of pipelines.slice(0, 1)) await checkImage(kubectl, metadata.name);
}

/** By account, resource, names and verbs; what everybody may do (ask what they may do) is left out. */
async function accounts({ kubectl, values }: Context): Promise<void> {
  const plan = bootstrapPlan(values);
  const wanted: Record<string, string[]> = {
    default: [],
    ...(isOwn(values)
      ? {
          'millrace-prometheus': [
            'configmaps [] [get list]',
            ...(values.prometheus.discovery === 'pods' ? ['pods [] [get list watch]'] : []),
          ],
        }
      : {}),
    ...(values.grafana.enabled ? { 'millrace-grafana': ['configmaps [] [get list]'] } : {}),
    'millrace-bootstrap': ['secrets [] [create]', ...secretNames(plan).map((name) => `secrets [${name}] [get update]`)],
  };
  for (const [account, rules] of Object.entries(wanted)) {
    const who = `system:serviceaccount:${kubectl.namespace}:${account}`;
    const found = (await kubectl.run('auth', 'can-i', '--list', '--no-headers', `--as=${who}`)).split('\n').flatMap((line) => {
      const [, resource, , names, verbs] = /^(\S+)\s+(\[.*?\])\s+(\[.*?\])\s+(\[.*?\])\s*$/.exec(line) ?? [];
      return resource === undefined || resource.startsWith('selfsubject') ? [] : [`${resource} ${names} ${verbs}`];
    });
    expect(`rights of ${account}`, found.toSorted().join('; '), rules.toSorted().join('; '));
  }
}

async function idempotent({ kubectl, values, pipelines }: Context): Promise<void> {
  const kinds = 'deployments,statefulsets,jobs,networkpolicies,poddisruptionbudgets';
  const generations = async (): Promise<string> =>
    (await kubectl.list<Live>(kinds))
      .map(({ kind, metadata: { name, generation } }) => `${kind} ${name} ${generation}`)
      .toSorted()
      .join('\n');
  const before = await generations();
  await kubectl.apply([...platformObjects(values), ...pipelines.flatMap((pipeline) => pipelineObjects(pipeline, values))]);
  const changed = (await generations()).split('\n').filter((line) => !before.split('\n').includes(line));
  expect('objects that the second apply changed', changed.join(', '), '');
}

async function watched({ kubectl, values, pipelines }: Context): Promise<void> {
  const ask = async (path: string): Promise<{ data: never }> =>
    JSON.parse(
      await kubectl.run('get', '--raw', `/api/v1/namespaces/${kubectl.namespace}/services/prometheus:9090/proxy/api/v1/${path}`),
    );
  const roles = pipelines.length * ROLES.length + (values.mqtt.enabled ? 1 : 0);
  const deadline = performance.now() + 90_000;
  for (;;) {
    const { activeTargets } = (await ask('targets')).data as { activeTargets: { health: string; labels: { job: string } }[] };
    const up = activeTargets.filter(({ health, labels }) => health === 'up' && labels.job === 'millrace').length;
    if (up === roles) break;
    if (performance.now() > deadline) throw new Error(`Prometheus reads ${up} of ${roles} roles`);
    await sleep(2_000);
  }
  for (const metric of ['millrace_processor_lag_seconds', 'millrace_sink_lag_seconds']) {
    const { result } = (await ask(`query?query=${metric}`)).data as { result: unknown[] };
    expect(`Pipelines with ${metric}`, String(result.length), String(pipelines.length));
  }
  const { groups } = (await ask('rules')).data as {
    groups: { name: string; rules: { name: string; health: string; lastError?: string }[] }[];
  };
  const missing = pipelines
    .map(({ metadata }) => `${values.namespace}/${metadata.name}`)
    .filter((name) => !groups.some((group) => group.name === name));
  expect('Pipelines whose rules Prometheus has not taken up', missing.join(', '), '');
  const sick = groups.flatMap(({ rules }) => rules).filter(({ health }) => health === 'err');
  if (sick.length > 0)
    throw new Error(`Prometheus cannot evaluate ${sick.map(({ name, lastError }) => `${name}: ${lastError}`).join('; ')}`);
}
