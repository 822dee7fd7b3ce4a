/** Each alert, firing and not firing: run in the Prometheus pod against the rules that it has, those of Pipelines among them. */
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { promtoolTests } from '../watching/alertCases.ts';

/** @throws Error with what promtool says, or where an alert has no case */
export async function checkAlerts(kubectl: Kubectl, pipelines: readonly Pipeline[]): Promise<void> {
  const files = ['/etc/prometheus/rules.json', '/etc/millrace/rules/*.json'];
  const { namespace } = kubectl;
  const quiet = pipelines
    .filter(({ spec }) => spec.alerts === undefined)
    .map((pipeline) => ({ ...pipeline, metadata: { ...pipeline.metadata, namespace } }));
  // It keeps its series in a folder of its own, and only the volume can be written to.
  const words = ['env', 'TMPDIR=/prometheus', 'promtool', 'test', 'rules', '/dev/stdin'];
  await kubectl.feed(
    JSON.stringify(promtoolTests(files, quiet)),
    'exec',
    '--stdin',
    'prometheus-0',
    '-c',
    'prometheus',
    '--',
    ...words,
  );
}
