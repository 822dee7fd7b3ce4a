import type { Tools } from '../clusters/cluster.ts';
import type { Options } from '../options.ts';
import { targetOf } from '../target.ts';
import { undeploy } from '../undeploy.ts';

export async function undeployCommand(options: Options, tools: Tools): Promise<void> {
  await undeploy(await targetOf(options, tools), options.purge);
}
