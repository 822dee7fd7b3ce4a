/** `make deploy`: finds the cluster, deploys, and says how to look at it. */
import type { Tools } from '../clusters/cluster.ts';
import { deploy } from '../deploy.ts';
import type { Options } from '../options.ts';
import { progressText } from '../progress.ts';
import { deployTarget } from '../target.ts';
import { readingOf } from '../tokens.ts';

export async function deployCommand(options: Options, tools: Tools): Promise<void> {
  const { target, wanted } = await deployTarget(options, tools);
  await target.cluster.ready();
  const { progress, readySeconds, firstRowsSeconds } = await deploy(target, wanted);
  const { say } = tools;
  say(`all pods ready after ${readySeconds.toFixed(0)} s, the first rows after ${firstRowsSeconds.toFixed(0)} s`);
  for (const [name, one] of progress) say(`${name}: ${progressText(one)}`);
  for (const { name, pipeline } of wanted.tokens)
    say(`${pipeline} takes what is sent with a token of the Secret ${name}: ${readingOf(target.kubectl, name)}`);
  const { grafana, prometheus, mqtt } = wanted.values;
  const sources = wanted.pipelines.filter(({ pipeline }) => pipeline.spec.source.http !== undefined);
  const windows = [
    ...(grafana.enabled ? ['Grafana'] : []),
    ...(prometheus.enabled ? ['Prometheus'] : []),
    ...(mqtt.enabled ? ['the MQTT broker and what gives devices their certificates'] : []),
    ...sources.map(({ pipeline }) => pipeline.metadata.name),
  ];
  if (windows.length > 0)
    say(`make port-forward opens ${windows.join(', ')} on this machine; make status and make logs tell the rest`);
}
