/** The API server and the definition of Pipelines: it takes every example, and says what is wrong with what is wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crdObjects } from '@millrace/cdk8s/crd/crd.ts';
import { defaultValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { CommandFailed } from '@millrace/deploy/command.ts';
import { documents, type Kubectl } from '@millrace/deploy/kubectl.ts';

const REFERENCE = join(import.meta.dirname, '../../docs/reference/examples');
const NAME = 'pipelines.millrace.dev';
/** Of a Pipeline that is really there while what must not change is changed; paused, for an operator. */
const CREATED = { name: 'e2e-definition', annotations: { 'millrace.dev/paused': 'true' } };

const SPEC = {
  source: { simulator: { seed: 1, devices: 1, rate: 1 } },
  topics: { partitions: 2 },
  record: { key: 'a', time: { field: 't' }, fields: { a: { type: 'text' } } },
  table: { name: 't' },
};

type Change = (spec: typeof SPEC) => object;

/** A right Pipeline made wrong, and what must be said of it. */
const WRONG: readonly [string, Change, RegExp][] = [
  ['unknown-field', (spec) => ({ ...spec, topics: { partitons: 3 } }), /\.spec\.topics\.partitons: field not declared in schema/],
  [
    'two-sources',
    (spec) => ({ ...spec, source: { topic: { name: 'a' }, http: {} } }),
    /give exactly one of replay, http, mqtt, simulator, topic/,
  ],
  ['no-source', (spec) => ({ ...spec, source: {} }), /give exactly one of replay/],
  [
    'two-paces',
    (spec) => ({ ...spec, source: { replay: { path: 'a.csv', pace: { unlimited: true, interval: '1s' } } } }),
    /give exactly one of unlimited/,
  ],
  ['bad-word', (spec) => ({ ...spec, deletionPolicy: 'Keep' }), /spec\.deletionPolicy: Unsupported value: "Keep"/],
  ['bad-duration', (spec) => ({ ...spec, topics: { retention: '7 days' } }), /spec\.topics\.retention.*should match/],
  ['bad-type', (spec) => ({ ...spec, topics: { partitions: 'six' } }), /\.spec\.topics\.partitions: expected numeric/],
  [
    'bad-name-of-a-field',
    (spec) => ({ ...spec, record: { ...spec.record, fields: { a: { type: 'text' }, 'a-b': { type: 'int' } } } }),
    /a field has a name of letters/,
  ],
  ['no-such-key', (spec) => ({ ...spec, record: { ...spec.record, key: 'b' } }), /key is one of fields/],
  ['min-above-max', (spec) => ({ ...spec, scale: { min: 3, max: 2 } }), /min is above max/],
  ['time-not-unique', (spec) => ({ ...spec, table: { name: 't', unique: { columns: ['a'] } } }), /time must be among columns/],
  ['Capital', (spec) => spec, /metadata\.name: Invalid value/],
  [`${'long-'.repeat(8)}name`, (spec) => spec, /metadata\.name is a name of lower-case letters.*at most 40 long/],
];

/** What a Pipeline that is there must not become. */
const CHANGED: readonly [Change, RegExp][] = [
  [(spec) => ({ ...spec, table: { name: 'other' } }), /the table never changes/],
  [(spec) => ({ ...spec, topics: { partitions: 1 } }), /partitions may grow, never shrink/],
  [
    (spec) => ({ ...spec, record: { ...spec.record, fields: { a: { type: 'int' } } } }),
    /the type of a stored column never changes/,
  ],
];

const pipelineOf = (metadata: object, spec: object) => ({
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'Pipeline',
  metadata,
  spec,
});

/** @param pipelines that run in the cluster @throws Error for the first that is taken or refused when it should not */
export async function checkDefinition(kubectl: Kubectl, pipelines: readonly Pipeline[]): Promise<void> {
  await kubectl.apply(crdObjects(defaultValues()), '--force-conflicts');
  await kubectl.run('wait', '--for=condition=Established', `crd/${NAME}`, '--timeout=60s');
  const reference = ['smallest.yaml', 'simulator.yaml', 'traffic.yaml'].flatMap((file) =>
    parsePipelines(readFileSync(join(REFERENCE, file), 'utf8'), file).map(({ pipeline }) => pipeline),
  );
  for (const { metadata, spec } of [...pipelines, ...reference])
    await dryRun(kubectl, [pipelineOf({ ...metadata, namespace: kubectl.namespace }, spec)]);

  const wrong = WRONG.map(([name, change]) => pipelineOf({ name }, change(SPEC)));
  await refused(
    kubectl,
    wrong,
    WRONG.map(([name, , message]) => [name, message]),
  );
  try {
    await kubectl.feed(documents([pipelineOf(CREATED, SPEC)]), 'apply', '--server-side', '--filename=-');
    for (const [change, message] of CHANGED)
      await refused(kubectl, [pipelineOf(CREATED, change(SPEC))], [[CREATED.name, message]]);
    await dryRun(kubectl, [pipelineOf(CREATED, { ...SPEC, topics: { partitions: 3 } })]);
    await kubectl.run('get', 'pl', CREATED.name);
  } finally {
    await kubectl.run('delete', 'pipeline', CREATED.name, '--ignore-not-found');
  }
}

function dryRun(kubectl: Kubectl, objects: readonly object[]): Promise<string> {
  return kubectl.feed(documents(objects), 'apply', '--server-side', '--dry-run=server', '--filename=-');
}

/** All at once: kubectl tells of each. */
async function refused(
  kubectl: Kubectl,
  objects: readonly object[],
  messages: readonly (readonly [string, RegExp])[],
): Promise<void> {
  const said = await dryRun(kubectl, objects).then(
    (out) => `taken: ${out}`,
    (error: unknown) => {
      if (!(error instanceof CommandFailed)) throw error;
      return error.stderr;
    },
  );
  const missing = messages.filter(([, message]) => !message.test(said)).map(([name]) => name);
  if (missing.length > 0)
    throw new Error(`the API server does not say what is wrong with ${missing.join(', ')}; it says: ${said}`);
}
