/** Whether whoever deploys may do all of it: asked as `kubectl auth can-i` asks, in one request for all. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { groupOf } from '../inventory.ts';
import { documents } from '../kubectl.ts';
import type { Candidate } from './check.ts';

export interface Right {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  /** null: of the cluster, not of a namespace. */
  namespace: string | null;
}

const CHANGES = ['get', 'list', 'create', 'patch', 'delete'];

export async function rights({ wanted, live, kubectl }: Candidate): Promise<string[]> {
  const needed = neededRights(wanted.objects, wanted.cluster, kubectl.namespace, live.namespace === 'missing');
  if (wanted.tokens.length > 0) needed.push({ verb: 'create', group: '', resource: 'secrets', namespace: kubectl.namespace });
  const reviews = needed.map(({ namespace, ...of }) => ({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { ...of, ...(namespace === null ? {} : { namespace }) } },
  }));
  const answers = (await kubectl.feed(documents(reviews), 'create', '--filename=-', '--output=jsonpath={.status.allowed}{"\\n"}'))
    .trim()
    .split('\n');
  const refused = needed.filter((_, index) => answers[index] !== 'true');
  return refused.length === 0
    ? []
    : [
        `you may not ${listed(refused)}: ask for these rights, or use another user${refused.some(({ resource }) => resource === 'customresourcedefinitions') ? '; an administrator can bring the definition of Pipelines once, then set crd.install: false' : ''} (\`kubectl auth can-i --list --namespace ${kubectl.namespace}\`)`,
      ];
}

/** By verb and resource, each once. Pure. */
export function neededRights(
  objects: readonly Manifest[],
  cluster: readonly Manifest[],
  namespace: string,
  makesNamespace: boolean,
): Right[] {
  const resources = new Map(objects.map(({ apiVersion, kind }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]));
  const changed = [...resources.values()].map(({ apiVersion, kind }) => ({
    group: groupOf(apiVersion),
    resource: pluralOf(kind),
  }));
  const core = (verb: string, resource: string, subresource?: string): Right => ({
    verb,
    group: '',
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    namespace,
  });
  return [
    ...cluster.flatMap(({ apiVersion, kind }) =>
      ['get', 'create', 'patch'].map((verb) => ({
        verb,
        group: groupOf(apiVersion),
        resource: pluralOf(kind),
        namespace: null,
      })),
    ),
    ...(makesNamespace ? [{ verb: 'create', group: '', resource: 'namespaces', namespace: null }] : []),
    ...changed.flatMap(({ group, resource }) => CHANGES.map((verb) => ({ verb, group, resource, namespace }))),
    core('list', 'pods'),
    core('get', 'pods', 'log'),
    core('create', 'pods', 'exec'),
    core('list', 'secrets'),
  ];
}

/** As the API names the collection of a kind. */
export function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|ch)$/.test(name) ? `${name}es` : `${name}s`;
}

function listed(refused: readonly Right[]): string {
  const byResource = new Map<string, string[]>();
  for (const { verb, group, resource, subresource, namespace } of refused) {
    const name = `${[resource, group].filter((part) => part !== '').join('.')}${subresource ? `/${subresource}` : ''}${namespace === null ? '' : ` in ${namespace}`}`;
    byResource.set(name, [...(byResource.get(name) ?? []), verb]);
  }
  return [...byResource].map(([name, verbs]) => `${verbs.join(', ')} ${name}`).join('; ');
}
