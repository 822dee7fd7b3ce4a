import type { Tools } from '../clusters/cluster.ts';
import type { Options } from '../options.ts';
import { status } from '../status.ts';
import { targetOf } from '../target.ts';

export async function statusCommand(options: Options, tools: Tools): Promise<void> {
  await status(await targetOf(options, tools), (line) => void process.stdout.write(`${line}\n`));
}
