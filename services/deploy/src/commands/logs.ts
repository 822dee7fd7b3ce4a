import type { Tools } from '../clusters/cluster.ts';
import { logs } from '../logs.ts';
import type { Options } from '../options.ts';
import { targetOf } from '../target.ts';
import { untilInterrupted } from './interrupt.ts';

export async function logsCommand(options: Options, tools: Tools): Promise<void> {
  const target = await targetOf(options, tools);
  await untilInterrupted((signal) => logs(target, options, (line) => void process.stdout.write(`${line}\n`), signal));
}
