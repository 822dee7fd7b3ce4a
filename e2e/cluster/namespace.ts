/** A namespace that a test begins with: empty, and only ever one that a test has made. */
import type { Kubectl } from '@millrace/deploy/kubectl.ts';

/** On a namespace that a test made, and therefore may delete. */
export const OWN_LABEL = 'millrace.dev/e2e';

const WITHIN_MS = 300_000;

/** What a former run left is gone, volumes too, so that all is shown from nothing. @throws Error where the namespace is somebody's */
export async function emptyNamespace(kubectl: Kubectl, say: (line: string) => void): Promise<void> {
  const label = OWN_LABEL.replaceAll('.', '\\.');
  const found = await kubectl.run(
    'get',
    'namespace',
    kubectl.namespace,
    '--ignore-not-found',
    `--output=jsonpath={.metadata.name}={.metadata.labels.${label}}`,
  );
  if (found !== '' && found !== `${kubectl.namespace}=true`)
    throw new Error(
      `the namespace ${kubectl.namespace} is there already and was not made by this test, which would delete it with its volumes: delete it yourself, or name another one by NAMESPACE`,
    );
  say(`emptying the namespace ${kubectl.namespace}`);
  await kubectl.run('delete', 'namespace', kubectl.namespace, '--ignore-not-found', '--wait=false');
  const deadline = performance.now() + WITHIN_MS;
  while ((await kubectl.run('get', 'namespace', kubectl.namespace, '--ignore-not-found', '--output=name')) !== '') {
    if (performance.now() > deadline) throw new Error(`the namespace ${kubectl.namespace} does not go away`);
    await new Promise((done) => setTimeout(done, 1_000));
  }
}
