/** Wrong wishes are refused with a sentence before anything is applied: what is in the namespace is the same after as before. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '@millrace/deploy/command.ts';
import { deploy } from '@millrace/deploy/deploy.ts';
import { deployTarget } from '@millrace/deploy/target.ts';
import type { Context } from './checks.ts';
import { expect } from './expect.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const KINDS =
  'deployments,statefulsets,jobs,services,configmaps,secrets,networkpolicies,poddisruptionbudgets,roles,rolebindings,serviceaccounts,persistentvolumeclaims';

interface Wrong {
  name: string;
  /** Over the values of this run. */
  values: Record<string, unknown>;
  /** In a namespace that is not there. */
  elsewhere?: true;
  says: RegExp;
}

const memory = (request: string, limit: string) => ({ resources: { requests: { memory: request }, limits: { memory: limit } } });

/** @param nodes of the Kafka that is there */
const wrongFor = (nodes: number): readonly Wrong[] => [
  { name: 'an unknown key', values: { kafka: { nodez: 3 } }, says: /kafka.nodez.*\n.*\n.*allowed: .*nodes/ },
  {
    name: 'no quantity',
    values: { database: { storage: { size: '10 Gb' } } },
    says: /database.storage.size.*\n.*10 Gb.*\n.*quantity/,
  },
  {
    name: 'too little memory',
    values: { roles: { sink: { limits: { memory: '64Mi' } } } },
    says: /traffic-sink has a memory limit of 64Mi .*224Mi at least/,
  },
  {
    name: 'a request above its limit',
    values: { alertmanager: memory('1Gi', '64Mi') },
    says: /the API server refuses .*alertmanager.*less than or equal to memory limit/,
  },
  {
    name: 'more than any node has',
    values: { kafka: memory('9000Gi', '9000Gi') },
    says: /kafka asks for .* of memory, and the node with the most has/,
  },
  {
    name: 'another number of Kafka nodes',
    values: { kafka: { nodes: 4 - nodes } },
    says: new RegExp(`kafka.nodes is ${4 - nodes}, and the Kafka whose volumes are there has ${nodes}`),
  },
  {
    name: 'another size of a volume',
    values: { database: { storage: { size: '3Gi' } } },
    says: /database has a volume of 2Gi, and 3Gi is wanted/,
  },
  {
    name: 'a Secret that is not there',
    elsewhere: true,
    values: { database: { external: { host: 'db.example' } } },
    says: /needs the Secret millrace-database-writer, which is not in the namespace/,
  },
];

/** @throws Error where a wrong wish is taken, told in other words, or changes something */
export async function refusals(context: Context): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-refused-'));
  try {
    for (const wrong of wrongFor(context.values.kafka.nodes)) await refused(context, wrong, join(folder, 'values.json'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function refused(
  { kubectl, values, options, target }: Context,
  { name, values: over, elsewhere, says }: Wrong,
  file: string,
): Promise<void> {
  const namespace = elsewhere ? `${kubectl.namespace}-refused` : kubectl.namespace;
  writeFileSync(file, JSON.stringify(merged(values, over)));
  const before = await contentOf(kubectl);
  const told = await deployTarget({ ...options, namespace, values: file }, { run, say: () => undefined, root: ROOT })
    .then(({ target: one, wanted }) => deploy({ ...one, say: () => undefined }, wanted))
    .then(
      () => '',
      (error: Error) => error.message,
    );
  if (!says.test(told)) throw new Error(`${name}: said ${told || 'nothing, and deployed it'}; expected ${says}`);
  expect(`${name}: what is in the namespace afterwards`, await contentOf(kubectl), before);
  const made = await kubectl.run('get', 'namespace', namespace, '--ignore-not-found', '--output=name');
  expect(`${name}: the namespace ${namespace}`, made.trim(), elsewhere ? '' : `namespace/${namespace}`);
  target.say(`refused: ${name}`);
}

/** By kind and name, with the generation, which a change raises. */
async function contentOf(kubectl: Context['kubectl']): Promise<string> {
  const items = await kubectl.list<{ kind: string; metadata: { name: string; generation?: number } }>(KINDS);
  return items
    .map(({ kind, metadata: { name, generation } }) => `${kind} ${name} ${generation}`)
    .toSorted()
    .join('\n');
}

function merged(base: unknown, over: unknown): unknown {
  if (typeof base !== 'object' || base === null || typeof over !== 'object' || over === null) return over;
  const both: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) both[key] = key in both ? merged(both[key], value) : value;
  return both;
}
