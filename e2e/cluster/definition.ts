/** The definition of Pipelines outlives the release of Helm that brought it, on purpose; its fields stay Helm's, whose namespace is gone. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';

const DEFINITION = 'customresourcedefinitions.apiextensions.k8s.io/pipelines.millrace.dev';
const RELEASE = 'meta.helm.sh/release-namespace';

/** Lets a deploy have the definition that a test of the chart has left, another version of it as well. One of a release that may be there stays as it is. */
export async function freeDefinition(
  kubectl: Kubectl,
  definition: readonly Manifest[],
  say: (line: string) => void,
): Promise<void> {
  const text = await kubectl.run('get', DEFINITION, '--ignore-not-found', '--output=json');
  if (text.trim() === '') return;
  const { metadata } = JSON.parse(text) as { metadata: { annotations?: Record<string, string> } };
  const namespace = metadata.annotations?.[RELEASE];
  if (namespace === undefined) return;
  if ((await kubectl.run('get', 'namespace', namespace, '--ignore-not-found', '--output=name')).trim() !== '') return;
  say(`the definition of Pipelines is of a Helm release in ${namespace}, which is gone: it is taken over`);
  await kubectl.run('annotate', DEFINITION, `${RELEASE}-`, 'meta.helm.sh/release-name-');
  await kubectl.apply(definition, '--force-conflicts');
}
